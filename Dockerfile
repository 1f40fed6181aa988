# One image, two processes: `web` (the default) and `worker`. It runs as nobody in particular, writes nothing to its own
# file system, and holds no secret: those come from the environment when it starts.

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PATH=/opt/polyclinic/bin:$PATH
WORKDIR /build
RUN python -m venv /opt/polyclinic
COPY requirements.txt ./
RUN pip install --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip install --no-deps --no-build-isolation .
# Production's settings ask for a key; this one is thrown away with the command.
RUN SECRET_KEY="$(polyclinic make-key)" DEBUG=False ALLOWED_HOSTS=build.invalid POLYCLINIC_HOME=/var/lib/polyclinic \
    polyclinic collectstatic --no-input

FROM python:3.13-slim
RUN groupadd --gid 10001 polyclinic \
    && useradd --uid 10001 --gid polyclinic --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin polyclinic
COPY --from=build /opt/polyclinic /opt/polyclinic
COPY --from=build --chown=10001:10001 /var/lib/polyclinic /var/lib/polyclinic
ENV PATH=/opt/polyclinic/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DEBUG=False \
    POLYCLINIC_HOME=/var/lib/polyclinic
WORKDIR /var/lib/polyclinic
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# Asks for a name that is allowed here: any other Host header is refused.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(r.Request('http://127.0.0.1:8000/livez', headers={'Host': os.environ['ALLOWED_HOSTS'].split(',')[0].strip()}), timeout=4)"]
ENTRYPOINT ["polyclinic"]
CMD ["web", "--host", "0.0.0.0", "--port", "8000"]

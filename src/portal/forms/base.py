"""What every form of the portal has: our field component, the cursor in the first wrong field, the services' rules."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from django import forms
from django.forms.renderers import DjangoTemplates
from django.http import QueryDict
from django.utils.safestring import SafeString
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Body = TypeVar("Body", bound=BaseModel)

# What pydantic itself refuses, in the words of a sentence that the field's label begins; `{}` are its figures.
_REFUSALS = {
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must not be empty",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "decimal_max_places": "must have at most {decimal_places} decimal places",
    "decimal_max_digits": "must have at most {max_digits} digits",
    "decimal_whole_digits": "must have at most {whole_digits} digits before the point",
    "value_error": "{error}",
}


class FieldRenderer(DjangoTemplates):
    """Renders `{{ form.x.as_field_group }}` as our field component."""

    field_template_name = "portal/forms/field.html"


class PortalForm(forms.Form):
    """The base of every form; Django itself adds `aria-invalid`, and `aria-describedby` for help and errors.

    `check_route` names the URL where one field alone is checked while the form is filled in; empty where none is.
    `marks_required` says so beside what must be filled in.
    """

    default_renderer = FieldRenderer()
    check_route: str = ""
    marks_required: bool = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    def full_clean(self) -> None:
        """Validate, and put the cursor into the first field that is not right."""
        super().full_clean()
        wrong = next((name for name in self.fields if name in self.errors), None)
        if wrong is not None:
            self.focus(wrong)

    def focus(self, name: str) -> None:
        """Put the cursor into this field, and into no other."""
        self.leave_cursor()
        self.fields[name].widget.attrs["autofocus"] = True

    def leave_cursor(self) -> None:
        """Leave the cursor where the person has it."""
        for field in self.fields.values():
            field.widget.attrs.pop("autofocus", None)

    def refuse_fields(self, errors: Mapping[str, Sequence[str]]) -> None:
        """Say beside the fields what a service refused; what belongs to no field of this form is said above them."""
        for name, sentences in errors.items():
            shown = name if name in self.fields else None
            for sentence in sentences:
                self.add_error(shown, self.word(name, sentence))
        wrong = next((name for name in self.fields if name in self.errors), None)
        if wrong is not None:
            self.focus(wrong)

    def word(self, name: str, sentence: str) -> str:
        """Make a whole sentence of what a schema or service says of a field: "must be …" begins with its label."""
        if not sentence[:1].islower():
            return sentence
        label = self.fields[name].label if name in self.fields else name.replace("_", " ").capitalize()
        return f"{label} {sentence}."

    def check_field(self, name: str) -> SafeString:
        """Return the one field with what is wrong in it, as the person moves on; the cursor stays where it went."""
        self.full_clean()
        self.leave_cursor()
        return self[name].as_field_group()


class SchemaForm(PortalForm, Generic[Body]):
    """A form whose rules are those of a service's schema: nothing is decided twice, and nothing less strictly here.

    Django's fields read what browsers send (dates, numbers, choices); the schema judges it. A form that `is_change`
    also carries what each field held when the page was made, and only fields that the person changed are sent on: two
    people who change different fields of one thing at the same time both keep what they wrote.
    """

    schema: type[BaseModel]
    marks_required = True

    def __init__(self, *args: Any, is_change: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_change = is_change
        for field in self.fields.values():
            field.show_hidden_initial = is_change

    def given(self) -> dict[str, Any]:
        """Return what goes to the schema: what was changed, or of a new thing what was filled in."""
        if self.is_change:
            return {name: self.cleaned_data[name] for name in self.changed_data if name in self.cleaned_data}
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}

    def clean(self) -> dict[str, Any]:
        """Let the schema judge what the fields could read."""
        try:
            self._body = self.schema.model_validate(self.given())
        except ValidationError as refused:
            errors: dict[str, list[str]] = {}
            for error in refused.errors():
                errors.setdefault(str(error["loc"][0]) if error["loc"] else "", []).append(_word(error))
            # What one of Django's fields has refused already is missing here; it is not told twice.
            self.refuse_fields(
                {name: told for name, told in errors.items() if name not in self.errors and (name or not self.errors)}
            )
        return self.cleaned_data

    def body(self) -> Body:
        """Return the body for the service; ask only a valid form."""
        return self._body  # type: ignore[return-value]  # `schema` is the type that the subclass names


class ExactText(forms.CharField):
    """Text as it was typed: nothing is trimmed. Browsers send line breaks as CR LF; here they are LF again."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"strip": False, "required": False, **kwargs})

    def to_python(self, value: Any) -> Any:
        """Return the text with LF for every line break."""
        text = super().to_python(value)
        return text.replace("\r\n", "\n").replace("\r", "\n") if isinstance(text, str) else text


def comes_from_change(data: QueryDict) -> bool:
    """Tell from what a browser sent whether its form changes something that was there."""
    return any(name.startswith("initial-") for name in data)


def _word(error: ErrorDetails) -> str:
    template = _REFUSALS.get(error["type"])
    return template.format(**error.get("ctx", {})) if template else "is not valid"

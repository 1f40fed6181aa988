#!/usr/bin/env python
"""Django's command line for a checkout: puts src/ on the path and hands over to the console command."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

if __name__ == "__main__":
    from config.cli import main

    main()

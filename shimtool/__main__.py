"""Entry point: `shimtool` and `python -m shimtool`."""

from shimtool.cli.main import main

if __name__ == "__main__":
    main()

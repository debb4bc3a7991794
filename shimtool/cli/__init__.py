"""The command line: options in, text or JSON out. The only package that imports typer or prints."""

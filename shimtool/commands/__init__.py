"""What each command does, whoever asks: nothing here parses a command line, prints or exits."""

"""What talks to the operating system and knows nothing of guests."""

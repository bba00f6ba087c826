"""The commands: options in; text, files or one JSON object out."""

"""Session state, query parameters, presets and text."""

"""What a page sets going: start runs, collect results, share the server's resources."""

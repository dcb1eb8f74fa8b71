"""One controller per flow of the user. Only they know both the document and its views."""

"""What several language modules share. Nothing here knows a language."""

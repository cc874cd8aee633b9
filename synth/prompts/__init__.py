"""Finding, checking and rendering the prompt files in /prompts."""

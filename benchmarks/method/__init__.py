"""What each part of the method is worth: a module runs one part beside the plain flow, on the same budget."""

"""The stage graph and the runner that moves shards through it, resumes, and holds the books."""

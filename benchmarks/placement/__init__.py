"""Engine and trainer on cards that are simulated: who has which, in what order, and after any kill."""

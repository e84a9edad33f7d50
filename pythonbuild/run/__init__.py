"""From a plan to results: what runs when, how many at once, and what is said when something fails."""

"""From builds to one graph of steps, each with a key made of its effective inputs.  Pure: no disk, no network, no clock."""

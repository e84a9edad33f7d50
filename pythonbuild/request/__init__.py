"""From what a user asks for to a list of consistent builds."""

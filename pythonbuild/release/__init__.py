"""What is published beside archives: indexes by which tools find them."""

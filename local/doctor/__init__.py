"""`doctor`: what stands in the way of a deploy, asked of the tools and of the account before anything is deployed."""

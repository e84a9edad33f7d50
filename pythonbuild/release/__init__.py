"""What is published: releases of archives with sums, signatures and indexes, in a folder or a bucket, and a repository for apt."""

"""Publishes builds: releases of archives with sums, signatures and indexes, in a folder or a bucket; a repository for apt."""

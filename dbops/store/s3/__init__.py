"""An S3 bucket as a store (s3://), of AWS or of a service that speaks its language."""

from dbops.store.s3.store import S3Store

__all__ = ["S3Store"]

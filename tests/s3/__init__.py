"""The embedded Swift's S3 API, as boto3 uses it."""

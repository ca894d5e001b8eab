"""S3 as its clients see it: path style, signed, with checksums, conditions, listings and multipart uploads.

Stricter than emulators at hand: signatures, clock skew, checksums and copy conditions are checked.
API: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

from sandbox.platforms.aws.s3.endpoint import s3_app

__all__ = ["s3_app"]

"""The sandbox's AWS account: its number, its region, and the kinds of documents it keeps."""

from __future__ import annotations

ACCOUNT = "123456789012"
REGION = "us-east-1"

BUCKET = "aws:s3/bucket:Bucket"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
FUNCTION = "aws:cloudfront/function:Function"
HEADERS_POLICY = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
KEY_VALUE_STORE = "aws:cloudfront/keyValueStore:KeyValueStore"
ORIGIN_ACCESS = "aws:cloudfront/originAccessControl:OriginAccessControl"
#: Published stage of a function, by ARN: code, stores, runtime. What distributions run.
LIVE_FUNCTION = "aws:cloudfront:live-function"
#: Multipart uploads under way, by upload id.
MULTIPART_UPLOAD = "aws:s3:multipart-upload"

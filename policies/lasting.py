"""Resources that cannot be made again as they were. Light to import: the plan guard asks too, without a policy pack."""

from __future__ import annotations

#: Type tokens. Made again, each has another name or id: DNS, certificates, quotas, statistics and bookmarks hang on the
#: old one.
LASTING = (
    "aws:s3/bucket:Bucket",
    "aws:s3/bucketV2:BucketV2",
    "aws:cloudfront/distribution:Distribution",
    "cloudflare:index/loadBalancer:LoadBalancer",
    "azure-native:storage:StorageAccount",
    "cloudflare:index/zone:Zone",
    "cloudflare:index/workersRoute:WorkersRoute",
    "azure-native:web:StaticSite",
    "gcp:firebase/hostingSite:HostingSite",
    "gitlab:index/project:Project",
    "vercel:index/project:Project",
    "publisher:index:NetlifySite",
)

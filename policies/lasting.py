"""Resources that cannot be made again as they were. Light to import: the plan guard asks too, without a policy pack."""

from __future__ import annotations

from policies.type_tokens import kind_of

#: Type tokens. Made again, each has another name or id: DNS, certificates, quotas, statistics and bookmarks hang on the
#: old one.
LASTING = (
    "aws:s3/bucket:Bucket",
    "aws:s3/bucketV2:BucketV2",
    "gcp:storage/bucket:Bucket",
    "cloudflare:index/r2Bucket:R2Bucket",
    "aws:cloudfront/distribution:Distribution",
    "cloudflare:index/loadBalancer:LoadBalancer",
    "azure-native:storage:StorageAccount",
    "cloudflare:index/zone:Zone",
    "cloudflare:index/workersRoute:WorkersRoute",
    "azure-native:web:StaticSite",
    "gcp:firebase/hostingSite:HostingSite",
    "gitlab:index/project:Project",
    "vercel:index/project:Project",
    "cloudflare:index/pagesProject:PagesProject",
    "publisher:index:NetlifySite",
)


def is_lasting(token: str) -> bool:
    """Whether a resource type is one of these, by whichever of its names."""
    return kind_of(token) in LASTING

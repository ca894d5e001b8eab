from __future__ import annotations

import json
import stat
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from google.auth import identity_pool

from tools.ci import identity
from tools.deploy.errors import Refused

PROVIDER = "projects/1/locations/global/workloadIdentityPools/pool/providers/gitlab"


@pytest.fixture
def github():
    """GitHub's endpoint for tokens: what it was asked, and the answers' status codes in order."""
    asked, codes = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            query = parse_qs(urlsplit(self.path).query)
            asked.append((query, self.headers["Authorization"]))
            code = codes.pop(0) if codes else 200
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps({"value": f"token for {query['audience'][0]}"}).encode())

        def log_message(self, *said):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/token?api-version=2.0", asked, codes
    server.shutdown()
    server.server_close()


def aws(tmp_path, **more):
    return {"AWS_ROLE_ARN": "arn:aws:iam::1:role/x", "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "id/aws"), **more}


def on_github(tmp_path, address):
    return aws(tmp_path, ACTIONS_ID_TOKEN_REQUEST_URL=address, ACTIONS_ID_TOKEN_REQUEST_TOKEN="pass-word-of-the-job")


def test_where_nothing_asks_to_be_signed_in_nothing_is_written(tmp_path):
    assert identity.sign_in({"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "aws")}) == []
    assert list(tmp_path.iterdir()) == []


def test_gitlabs_token_is_written_for_nobody_else_to_read(tmp_path):
    assert identity.sign_in(aws(tmp_path, AWS_ID_TOKEN="token-of-the-job")) == ["AWS"]
    file = tmp_path / "id/aws"
    assert file.read_text() == "token-of-the-job"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_older_token_is_replaced_and_one_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "id").mkdir()
    (tmp_path / "other").write_text("kept")
    (tmp_path / "id/aws").symlink_to(tmp_path / "other")
    identity.sign_in(aws(tmp_path, AWS_ID_TOKEN="new"))
    assert (tmp_path / "other").read_text() == "kept"
    assert (tmp_path / "id/aws").read_text() == "new"


def test_github_is_asked_for_a_token_made_for_the_cloud(tmp_path, github):
    address, asked, _ = github
    assert identity.sign_in(on_github(tmp_path, address)) == ["AWS"]
    assert (tmp_path / "id/aws").read_text() == "token for sts.amazonaws.com"
    assert asked == [({"api-version": ["2.0"], "audience": ["sts.amazonaws.com"]}, "Bearer pass-word-of-the-job")]


def test_github_is_asked_again_when_it_has_trouble_and_not_when_it_refuses(tmp_path, github):
    address, asked, codes = github
    codes.extend([502])
    identity.sign_in(on_github(tmp_path, address))
    assert len(asked) == 2
    codes.extend([403])
    with pytest.raises(Refused, match=r"\(403\); give the job the permission id-token: write") as refused:
        identity.sign_in(on_github(tmp_path, address))
    assert len(asked) == 3
    assert "pass-word" not in refused.value.message


def test_googles_own_library_reads_what_was_written(tmp_path):
    environment = {
        "GOOGLE_WORKLOAD_IDENTITY_PROVIDER": PROVIDER,
        "GOOGLE_SERVICE_ACCOUNT": "deploy@example.iam.gserviceaccount.com",
        "GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "google.json"),
        "GOOGLE_ID_TOKEN": "token-of-the-job",
    }
    assert identity.sign_in(environment) == ["Google Cloud"]
    credentials = identity_pool.Credentials.from_file(tmp_path / "google.json")
    assert credentials.service_account_email == "deploy@example.iam.gserviceaccount.com"
    assert credentials.retrieve_subject_token(None) == "token-of-the-job"
    assert "token-of-the-job" not in (tmp_path / "google.json").read_text()


def test_a_job_without_a_token_is_told_what_each_forge_needs(tmp_path):
    with pytest.raises(Refused, match="AWS_ID_TOKEN under id_tokens, at GitHub the permission id-token: write"):
        identity.sign_in(aws(tmp_path))


def test_all_missing_files_are_named_at_once():
    with pytest.raises(Refused) as refused:
        identity.sign_in({"AWS_ROLE_ARN": "a", "GOOGLE_WORKLOAD_IDENTITY_PROVIDER": PROVIDER})
    assert "AWS_WEB_IDENTITY_TOKEN_FILE" in refused.value.message
    assert "GOOGLE_APPLICATION_CREDENTIALS" in refused.value.message

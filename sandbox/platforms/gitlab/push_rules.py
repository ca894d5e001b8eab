"""What GitLab asks of a push, as a hook of Git's.

Protected branches: https://docs.gitlab.com/user/project/repository/branches/protected/. Refs that GitLab keeps for
itself: https://docs.gitlab.com/development/git_object_deduplication/ (keep-around) and merge requests' refs.
"""

from __future__ import annotations

from sandbox.git.http import Voice
from sandbox.platforms.gitlab.account import TOKEN

PRE_RECEIVE = r"""#!/bin/sh
default=$(git config sandbox.defaultbranch || git config gitlab.defaultbranch)
say() { echo "GitLab: $1" >&2; exit 1; }
while read -r old new ref; do
  case "$ref" in
    refs/heads/*|refs/tags/*) ;;
    *) say "The reference $ref is reserved" ;;
  esac
  branch=${ref#refs/heads/}
  push=$(git config "protected.$branch.push")
  [ "$branch" = "$default" ] || [ -n "$push" ] || continue
  if [ "$push" = "no one" ]; then
    say "You are not allowed to push code to protected branches on this project."
  fi
  case "$new" in *[!0]*) ;; *)
    [ "$branch" = "$default" ] && say "The default branch of a project cannot be deleted."
    say "You are not allowed to delete protected branches from this project." ;;
  esac
  case "$old" in *[!0]*) ;; *) continue ;; esac
  [ "$(git config "protected.$branch.force")" = "true" ] && continue
  if ! git merge-base --is-ancestor "$old" "$new"; then
    say "You are not allowed to force push code to a protected branch on this project."
  fi
done
"""

#: Any user name and a token: https://docs.gitlab.com/user/profile/personal_access_tokens/#clone-repository-using-personal-access-token
VOICE = Voice(
    realm="GitLab",
    token=TOKEN,
    denied="HTTP Basic: Access denied.\n",
    unknown="The project you were looking for could not be found.\n",
    read_only="You are not allowed to push code to this project.\n",
)

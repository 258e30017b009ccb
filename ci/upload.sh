#!/bin/sh
# Uploads test reports of a CI job to TAP, and tells what TAP says of them. For any POSIX shell; needs the AWS CLI, and
# curl 7.75 or later to wait for results. What it reads in reports, answers and names is data: nothing of it is evaluated.
set -eu

usage() {
  cat <<'END'
Usage: upload.sh [OPTION VALUE]... REPORT...

Uploads reports and other files to TAP. With a results URL it waits until TAP has recorded them, and says what they hold.
A REPORT is a file or a pattern, in quotes: 'build/*/report.xml', '**/surefire-reports/*.xml' (** at any depth, outside of
hidden folders and node_modules).

Each option may be an environment variable instead; REPORTS then is TAP_REPORTS, one to a line.

  --bucket       TAP_BUCKET        the platform's output bucket_name
  --project      TAP_PROJECT       the project, and the first folder in the bucket (default: the name of the repository)
  --results-url  TAP_RESULTS_URL   the platform's output results_url; without it, nothing is waited for
  --role         TAP_ROLE          the ARN of a role to assume by the job's OpenID Connect token: that of GitHub or
                                   CircleCI, or what TAP_TOKEN holds
  --job          TAP_JOB           what tells this job's reports from others of the build; the same in each build
  --strict       TAP_STRICT=true   fail when a report is missing or refused, or TAP cannot be reached (takes no value)
  --wait         TAP_WAIT          how long to wait for results in all, in seconds (default: 120; 0: not at all)
  --summary      TAP_SUMMARY       a file to which the results are appended as Markdown
  --summary-size TAP_SUMMARY_SIZE  the most bytes of it (default: 1000000)
  --outputs      TAP_OUTPUTS       a file to which the totals are appended, as name=value
  --comment      TAP_COMMENT=true  comment on the pull request, and change the comment from then on (takes no value). Needs
                                   TAP_COMMENT_TOKEN: on GitHub the job's token, on GitLab one with the scope api
                 TAP_COMMENT_AUTHOR  on GitHub: whose token it is (default: github-actions[bot])

What most CI systems say by themselves:

  --branch, --main-branch, --commit, --build-url (TAP_BRANCH, ...)   of the code that was tested
  --build        TAP_BUILD         names the build in the bucket
  --pull-request TAP_PULL_REQUEST  its number

Ends with 0 even if TAP is not there: 1 is for --strict, 2 for wrong options.
END
}

# --- Saying things --------------------------------------------------------------------------------------------------

# A text in one line and without control characters: a second line could be a command to the CI system.
one_line() { printf %s "$1" | LC_ALL=C tr '\001-\037\177' ' '; }

say() { printf 'TAP: %s\n' "$(one_line "$1")"; }

# What went wrong, where the CI system shows such things.
warn() {
  faults=$((faults + 1))
  text=$(one_line "$1")
  if [ "${GITHUB_ACTIONS-}" = true ]; then
    printf '::warning title=TAP::%s\n' "$(printf %s "$text" | sed 's/%/%25/g')" >&2
  elif [ -n "${TF_BUILD-}" ]; then
    printf '##vso[task.logissue type=warning]TAP: %s\n' "$text" >&2
  else
    printf 'TAP: warning: %s\n' "$text" >&2
  fi
}

usage_error() {
  printf 'TAP: %s See upload.sh --help.\n' "$(one_line "$1")" >&2
  exit 2
}

is_true() {
  case $1 in
    true | TRUE | True | 1 | yes) true ;;
    *) false ;;
  esac
}

is_number() {
  case $1 in
    '' | *[!0-9]*) false ;;
    *) true ;;
  esac
}

# --- What the CI system knows ---------------------------------------------------------------------------------------

# Sets what the job did not: the name of the project, and where its code comes from.
ask_ci() {
  project='' branch='' main_branch='' commit='' build_url='' build='' pull_request=''
  if [ "${GITHUB_ACTIONS-}" = true ]; then
    project=${GITHUB_REPOSITORY-} project=${project#*/}
    branch=${GITHUB_HEAD_REF:-${GITHUB_REF_NAME-}} commit=${GITHUB_SHA-} build=${GITHUB_RUN_ID-}
    build_url=${GITHUB_SERVER_URL-}/${GITHUB_REPOSITORY-}/actions/runs/$build
    case ${GITHUB_REF-} in
      refs/pull/*/merge) pull_request=${GITHUB_REF#refs/pull/} pull_request=${pull_request%/merge} ;;
    esac
  elif [ -n "${GITLAB_CI-}" ]; then
    project=${CI_PROJECT_NAME-} branch=${CI_COMMIT_REF_NAME-} main_branch=${CI_DEFAULT_BRANCH-}
    commit=${CI_MERGE_REQUEST_SOURCE_BRANCH_SHA:-${CI_COMMIT_SHA-}} build_url=${CI_PIPELINE_URL-} build=${CI_PIPELINE_ID-}
    pull_request=${CI_MERGE_REQUEST_IID-}
  elif [ -n "${CIRCLECI-}" ]; then
    project=${CIRCLE_PROJECT_REPONAME-} branch=${CIRCLE_BRANCH-} commit=${CIRCLE_SHA1-}
    build_url=${CIRCLE_BUILD_URL-} build=${CIRCLE_BUILD_NUM-}
  elif [ -n "${BUILDKITE-}" ]; then
    project=${BUILDKITE_PIPELINE_SLUG-} branch=${BUILDKITE_BRANCH-} main_branch=${BUILDKITE_PIPELINE_DEFAULT_BRANCH-}
    commit=${BUILDKITE_COMMIT-} build_url=${BUILDKITE_BUILD_URL-} build=${BUILDKITE_BUILD_NUMBER-}
  elif [ -n "${TF_BUILD-}" ]; then
    project=${BUILD_REPOSITORY_NAME-} project=${project##*/}
    branch=${SYSTEM_PULLREQUEST_SOURCEBRANCH:-${BUILD_SOURCEBRANCH-}} branch=${branch#refs/heads/}
    commit=${SYSTEM_PULLREQUEST_SOURCECOMMITID:-${BUILD_SOURCEVERSION-}} build=${BUILD_BUILDID-}
    build_url="${SYSTEM_COLLECTIONURI-}$(encoded "${SYSTEM_TEAMPROJECT-}")/_build/results?buildId=$build"
  elif [ -n "${JENKINS_URL-}" ]; then
    branch=${CHANGE_BRANCH:-${BRANCH_NAME:-${GIT_BRANCH-}}} branch=${branch#origin/} commit=${GIT_COMMIT-}
    build_url=${BUILD_URL-} build=${BUILD_TAG-}
  fi
  TAP_PROJECT=${TAP_PROJECT:-$project} TAP_BRANCH=${TAP_BRANCH:-$branch} TAP_MAIN_BRANCH=${TAP_MAIN_BRANCH:-$main_branch}
  TAP_COMMIT=${TAP_COMMIT:-$commit} TAP_BUILD_URL=${TAP_BUILD_URL:-$build_url} TAP_BUILD=${TAP_BUILD:-$build}
  TAP_PULL_REQUEST=${TAP_PULL_REQUEST:-$pull_request}
}

# --- Files ----------------------------------------------------------------------------------------------------------

# The files of a pattern, one to a line. A pattern is expanded, and never split at blanks.
files_of() (
  IFS=
  case $1 in
    *'**/'*)
      start=${1%%'**/'*}
      for folder in ${start:-./}; do
        [ ! -d "$folder" ] || walk "${folder%/}" "${1#*'**/'}"
      done
      ;;
    *)
      for file in $1; do
        [ ! -f "$file" ] || printf '%s\n' "$file"
      done
      ;;
  esac
)

# Those that match a pattern in a folder or below it. No find: not every image has one.
walk() (
  for file in "$1"/$2; do
    [ ! -f "$file" ] || printf '%s\n' "$file"
  done
  for below in "$1"/*/; do
    below=${below%/}
    if [ -d "$below" ] && [ ! -L "$below" ] && [ "${below##*/}" != node_modules ]; then walk "$below" "$2"; fi
  done
)

# The files of the patterns in $work/patterns, each once, into $work/files.
find_files() {
  while IFS= read -r pattern; do
    files_of "$pattern" >"$work/found"
    [ -s "$work/found" ] || warn "There is no file $pattern: nothing to upload."
    # With a name of two lines, none of them is a file.
    while IFS= read -r file; do
      if [ -f "$file" ]; then printf '%s\n' "${file#./}"; else warn "Not uploaded, for its name: $file"; fi
    done <"$work/found" >>"$work/all"
  done <"$work/patterns"
  LC_ALL=C awk '!seen[$0]++' "$work/all" >"$work/files"
}

# Where a file goes below the project's folder and the build's: its path, from the current folder on if it lies there.
path_in_bucket() {
  path=${1#"$PWD"/} path=/${path#/}
  while :; do
    case $path in
      */../*) path=${path%%/../*}/__/${path#*/../} ;;
      *) break ;;
    esac
  done
  printf %s "${path#/}"
}

# --- Texts ----------------------------------------------------------------------------------------------------------

# A value of an object's metadata, inside of JSON: S3 takes printable ASCII, of all values 2 KB.
metadata_value() { printf %s "$1" | LC_ALL=C tr -c ' -~' _ | cut -c 1-300 | sed 's/[\\"]/\\&/g'; }

metadata() {
  printf '{"tap-project":"%s"' "$(metadata_value "$TAP_PROJECT")"
  if [ -n "$1" ]; then printf ',"tap-job":"%s"' "$(metadata_value "$1")"; fi
  if [ -n "$TAP_BRANCH" ]; then printf ',"tap-branch":"%s"' "$(metadata_value "$TAP_BRANCH")"; fi
  if [ -n "$TAP_MAIN_BRANCH" ]; then printf ',"tap-main-branch":"%s"' "$(metadata_value "$TAP_MAIN_BRANCH")"; fi
  if [ -n "$TAP_COMMIT" ]; then printf ',"tap-commit":"%s"' "$(metadata_value "$TAP_COMMIT")"; fi
  if [ -n "$TAP_BUILD_URL" ]; then printf ',"tap-build-url":"%s"' "$(metadata_value "$TAP_BUILD_URL")"; fi
  printf '}'
}

# A value in a URL, as signatures want it.
encoded() {
  printf %s "$1" | od -An -v -tx1 | LC_ALL=C awk '
    {
      for (i = 1; i <= NF; i++) {
        code = (index("0123456789abcdef", substr($i, 1, 1)) - 1) * 16 + index("0123456789abcdef", substr($i, 2, 1)) - 1
        character = code < 128 ? sprintf("%c", code) : "%"
        printf "%s", character ~ /[A-Za-z0-9._~-]/ ? character : "%" toupper($i)
      }
    }'
}

# A text of a file name or a fault as code in Markdown, in which nothing is markup.
code() { printf '%s %s %s' "\`" "$(one_line "$1" | tr "\`" "'")" "\`"; }

# The scalars of the JSON on standard input, one to a line: its path, a tab, and the value as it stands (of texts, the first
# 2,000 bytes between the quotes).
json() {
  LC_ALL=C awk '
    function tell(value,  at, path) {
      for (at = 1; at <= depth; at++) path = path (at > 1 ? "." : "") (kind[at] == "{" ? name[at] : item[at])
      print path "\t" substr(value, 1, 2000)
    }
    { text = text $0 "\n" }
    END {
      count = split(text, piece, "\"")
      for (at = 1; at <= count; at += 2) {
        # Between two texts: brackets, commas, colons, numbers and words.
        between = piece[at]
        while (match(between, /[][{},:]|[^][{},: \t\r\n]+/)) {
          token = substr(between, RSTART, RLENGTH)
          between = substr(between, RSTART + RLENGTH)
          if (token == "{" || token == "[") { depth++; kind[depth] = token; item[depth] = 0; is_name = token == "{" }
          else if (token == "}" || token == "]") depth--
          else if (token == ",") { item[depth]++; is_name = kind[depth] == "{" }
          else if (token != ":") tell(token)
        }
        if (at == count) break
        # A text. A quote after an odd number of backslashes does not end it.
        string = piece[at + 1]
        while (match(piece[at + 1], /\\+$/) && RLENGTH % 2 && at + 1 < count) { at++; string = string "\"" piece[at + 1] }
        if (is_name) name[depth] = string
        else tell(string)
        is_name = 0
      }
    }'
}

# The value at a path of $work/fields.
field() { awk -F '\t' -v wanted="$1" '$1 == wanted { print substr($0, length($1) + 2); exit }' "$work/fields"; }

# A text of $work/fields, in one line and readable.
text_field() { field "$1" | sed 's/\\[nrt]/ /g; s/\\"/"/g; s/\\\\/\\/g'; }

# Whole lines of a file, in at most so many bytes.
cut_lines() {
  LC_ALL=C awk -v most="$2" -v page="$page" '
    { size += length($0) + 1 }
    size > most - length(page) - 50 { print "\n**Cut here.** " (page ? "[All of it](" page ")" : "TAP has all of it."); exit }
    { print }' "$1"
}

# --- Credentials ----------------------------------------------------------------------------------------------------

# A value in a configuration of curl.
quoted() { printf '"%s"' "$(printf %s "$1" | sed 's/[\\"]/\\&/g')"; }

# Lets the AWS CLI assume TAP_ROLE by the job's token. The token lies in $work, which is removed at the end.
assume_role() {
  token=${TAP_TOKEN:-${CIRCLE_OIDC_TOKEN_V2-}}
  if [ -z "$token" ] && [ -n "${ACTIONS_ID_TOKEN_REQUEST_URL-}" ]; then
    printf 'url = %s\nheader = %s\n' "$(quoted "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=sts.amazonaws.com")" \
      "$(quoted "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN")" |
      curl --config - --silent --show-error --fail --retry 2 --max-time 30 >"$work/answer" 2>"$work/error" || :
    json <"$work/answer" >"$work/fields"
    token=$(field value)
  fi
  if [ -z "$token" ]; then
    warn "The job has no token for the role $TAP_ROLE. On GitHub it needs the permission id-token: write, which pull requests \
from forks do not get; elsewhere TAP_TOKEN. $(tail -n 1 "$work/error")"
    return 1
  fi
  printf %s "$token" >"$work/token"
  # Keys in the environment would come first.
  unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE
  export AWS_ROLE_ARN="$TAP_ROLE" AWS_WEB_IDENTITY_TOKEN_FILE="$work/token" AWS_ROLE_SESSION_NAME=tap-upload
}

# Sets key_id, secret and session to what the AWS CLI would sign with.
find_credentials() {
  if [ -n "${AWS_ACCESS_KEY_ID-}" ]; then
    key_id=$AWS_ACCESS_KEY_ID secret=${AWS_SECRET_ACCESS_KEY-} session=${AWS_SESSION_TOKEN-}
  elif aws configure export-credentials --format process >"$work/answer" 2>/dev/null; then
    json <"$work/answer" >"$work/fields"
    key_id=$(field AccessKeyId) secret=$(field SecretAccessKey) session=$(field SessionToken)
  elif [ -n "${AWS_WEB_IDENTITY_TOKEN_FILE-}" ] && aws sts assume-role-with-web-identity --role-arn "$AWS_ROLE_ARN" \
    --role-session-name "${AWS_ROLE_SESSION_NAME:-tap-upload}" --output json \
    --web-identity-token "file://$AWS_WEB_IDENTITY_TOKEN_FILE" >"$work/answer" 2>/dev/null; then
    # Version 1 of the AWS CLI does not export.
    json <"$work/answer" >"$work/fields"
    key_id=$(field Credentials.AccessKeyId) secret=$(field Credentials.SecretAccessKey)
    session=$(field Credentials.SessionToken)
  else
    warn 'Cannot wait for results: there are no credentials in the environment, and the AWS CLI tells none (version 2 does).'
    return 1
  fi
}

# --- Uploading ------------------------------------------------------------------------------------------------------

# Uploads a file under a key, with the name of its job, into the next line of $work/uploads.
upload() {
  case $1 in
    /*) body=$1 ;;
    *) body=./$1 ;;
  esac
  version=$(aws s3api put-object --bucket="$TAP_BUCKET" --key="$2" --body="$body" --metadata="$(metadata "$3")" \
    --query VersionId --output text --cli-connect-timeout 10 2>"$work/error") || {
    warn "Not uploaded: $1: $(tr '\n' ' ' <"$work/error")"
    return 1
  }
  uploaded=$((uploaded + 1))
  say "Uploaded $1 as s3://$TAP_BUCKET/$2, version $version"
  printf '%s\t%s\t%s\n' "$version" "$2" "$1" >>"$work/uploads"
}

upload_all() {
  prefix=$TAP_PROJECT/${TAP_BUILD:+$TAP_BUILD/}${TAP_JOB:+$TAP_JOB/}
  in_a_row=0
  while IFS= read -r file; do
    path=$(path_in_bucket "$file")
    # One report is the job's. Of several, or of a pattern, each has a name of its own, which is the same in each build.
    job=$TAP_JOB
    [ -n "$is_one" ] || job=${TAP_JOB:+$TAP_JOB/}$path
    # The AWS CLI is not to read the list of files.
    if upload "$file" "$prefix$path" "$job" </dev/null; then
      in_a_row=0
    else
      in_a_row=$((in_a_row + 1))
    fi
    if [ "$in_a_row" -eq 3 ]; then
      warn 'Three uploads in a row failed: the others are not tried.'
      break
    fi
  done <"$work/files"
}

# --- Results --------------------------------------------------------------------------------------------------------

# Asks the results function for a path, puts its answer into $work/answer, and prints the status: 000 if there is none.
# The credentials go to curl through standard input, not through arguments, which others can see.
ask() {
  : >"$work/answer"
  {
    printf 'url = %s\nuser = %s\n' "$(quoted "${TAP_RESULTS_URL%/}$1")" "$(quoted "$key_id:$secret")"
    [ -z "$session" ] || printf 'header = %s\n' "$(quoted "x-amz-security-token: $session")"
  } | curl --config - --silent --show-error --compressed --connect-timeout 10 --max-time 30 \
    --aws-sigv4 "aws:amz:$results_region:lambda" --dump-header "$work/headers" --output "$work/answer" \
    --write-out '%{http_code}' 2>"$work/error" || :
}

# Asks until there is an answer, or no time left. Without connection, or if TAP refuses, nothing is asked any more.
ask_patiently() {
  unconnected=0
  while [ -n "$is_answering" ]; do
    status=$(ask "$1")
    pause=$(LC_ALL=C sed -n 's/^[Rr]etry-[Aa]fter: *\([0-9]\{1,3\}\).*/\1/p' "$work/headers" | tail -n 1)
    case $status in
      200) return 0 ;;
      404 | 429 | 5??) ;;
      '' | 000) unconnected=$((unconnected + 1)) ;;
      *) unconnected=3 ;;
    esac
    if [ "$unconnected" -ge 3 ]; then
      is_answering=
      warn "TAP tells no results: $(problem "$status")"
    fi
    left=$((deadline - $(date +%s)))
    [ "$left" -gt 0 ] || return 1
    pause=${pause:-2}
    [ "$pause" -le "$left" ] || pause=$left
    [ -z "$is_answering" ] || sleep "$pause"
  done
  return 1
}

# What the last answer says is wrong.
problem() {
  printf 'status %s. ' "${1:-000}"
  json <"$work/answer" >"$work/fields"
  printf '%s%s %s' "$(text_field detail)" "$(text_field message)" "$(tail -n 1 "$work/error")"
}

# Waits for what was uploaded. Puts the Markdown of what needs a look into $work/bad, the rest into $work/good.
read_results() {
  deadline=$(($(date +%s) + TAP_WAIT))
  is_answering=1
  while IFS="$tab" read -r version key file; do
    if ask_patiently \
      "/api/upload?bucket=$(encoded "$TAP_BUCKET")&key=$(encoded "$key")&version_id=$(encoded "$version")"; then
      recorded=$((recorded + 1))
      json <"$work/answer" >"$work/fields"
      read_upload "$file"
    else
      printf '### ⏳ No results yet\n\n%s is uploaded, and was not recorded when this was written.\n\n' "$(code "$file")" \
        >>"$work/bad"
    fi
  done <"$work/uploads"
  if [ -n "$is_answering" ] && [ "$recorded" -lt "$uploaded" ]; then
    reason='The others will be: nothing is lost.'
    case $status in
      200 | 404) ;;
      *) reason="$reason Its last answer: $(problem "$status")" ;;
    esac
    warn "TAP recorded $recorded of $uploaded uploads within $TAP_WAIT seconds. $reason"
  fi
}

# A number of the run in $work/fields.
number() {
  number=$(field "upload.run.$1")
  if is_number "$number"; then printf %s "$number"; else printf 0; fi
}

# One upload, which lies in $work/fields.
read_upload() {
  id=$(field upload.id)
  case $id in
    '' | *[!0-9a-f-]*) return 0 ;;
  esac
  if [ "$(field upload.status)" = error ]; then
    refused=$((refused + 1))
    fault=$(text_field upload.error_message)
    warn "TAP refused $1: $fault"
    refusal "$1" "$fault" >>"$work/bad"
  elif [ -n "$(field upload.run.tests)" ]; then
    runs=$((runs + 1))
    bad_here=$(($(number failed) + $(number error) + $(number flaky)))
    tests=$((tests + $(number tests))) passed=$((passed + $(number passed))) skipped=$((skipped + $(number skipped)))
    failed=$((failed + $(number failed))) errors=$((errors + $(number error))) flaky=$((flaky + $(number flaky)))
    read_run "$1"
  fi
}

# The run of $id, with all that failed; of one of several reports with nothing wrong, a line.
read_run() {
  if [ -z "$site" ] || [ "$bad_here" -gt 0 ]; then
    ask_patiently "/api/runs/$id.md" || return 0
    # The address of the pages stands in the link to the run, whose id nobody knew before it was uploaded.
    site=$(LC_ALL=C sed -n "s#.*](\(https\{0,1\}://[!-'*-~]*\)/runs/$id).*#\1#p" "$work/answer" | head -n 1)
    [ -n "$page" ] || page=$site/runs/$id
  fi
  if [ "$uploaded" -gt 1 ] && [ "$bad_here" -eq 0 ]; then
    printf -- '- ✅ %s: [%s passed](%s)\n' "$(code "$1")" "$(number passed)" "$site/runs/$id" >>"$work/good"
  else
    { cat "$work/answer" && printf '\n'; } >>"$work/bad"
  fi
}

refusal() {
  printf '### ❌ Report refused\n\n%s: %s\n\n' "$(code "$1")" "$(code "$2")"
  step=0
  while [ -n "$(field "advice.steps.$step.act")" ]; do
    printf -- '- %s %s\n' "$(text_field "advice.steps.$step.act")" "$(text_field "advice.steps.$step.reason")"
    step=$((step + 1))
  done
  printf '\n'
}

# --- Telling --------------------------------------------------------------------------------------------------------

# Where several reports are shown together.
page_of_build() {
  if [ -n "$TAP_COMMIT$TAP_BUILD_URL" ]; then
    printf '%s/builds?' "$site"
    if [ -n "$TAP_BUILD_URL" ]; then printf 'build_url=%s&' "$(encoded "$TAP_BUILD_URL")"; fi
    if [ -n "$TAP_COMMIT" ]; then printf 'commit=%s&' "$(encoded "$TAP_COMMIT")"; fi
  else
    printf '%s/runs?' "$site"
  fi
  printf 'project=%s' "$(encoded "$TAP_PROJECT")"
}

totals() {
  printf '%s tests: %s passed, %s failed, %s error, %s skipped, %s flaky' \
    "$tests" "$passed" "$failed" "$errors" "$skipped" "$flaky"
}

# The Markdown of all reports, into $work/markdown: totals if there are several, what needs a look, the rest.
write_markdown() {
  if [ "$uploaded" -gt 1 ]; then
    mark='✅'
    [ $((failed + errors + refused)) -eq 0 ] || mark='❌'
    printf '## %s %s\n\n%s reports, of which %s recorded and %s refused.%s\n\n' "$mark" "$(totals)" "$uploaded" "$recorded" \
      "$refused" "${page:+ [See them]($page)}"
  fi
  cat "$work/bad"
  if [ -s "$work/good" ]; then cat "$work/good"; fi
}

write_outputs() {
  printf 'uploaded=%s\n' "$uploaded"
  if [ "$recorded" -gt 0 ]; then
    printf '%s=%s\n' recorded "$recorded" refused "$refused" tests "$tests" passed "$passed" failed "$failed" \
      error "$errors" skipped "$skipped" flaky "$flaky" page "$page"
  fi
}

# --- The comment ----------------------------------------------------------------------------------------------------

# Calls the API of GitHub or GitLab: a method, a path, perhaps a file to send. Answers as `ask` does.
call_host() {
  : >"$work/answer"
  {
    printf 'url = %s\nheader = %s\n' "$(quoted "$host$2")" "$(quoted "$host_token")"
    if [ $# -eq 3 ]; then printf 'header = "Content-Type: application/json"\ndata-binary = %s\n' "$(quoted "@$3")"; fi
  } | curl --config - --silent --show-error --max-time 30 --request "$1" --header 'User-Agent: tap-upload' \
    --output "$work/answer" --write-out '%{http_code}' 2>"$work/error" || :
}

# A text as JSON: of control characters, Markdown needs the ends of lines and tabs alone.
json_text() {
  LC_ALL=C tr -d '\000-\010\013-\037\177' <"$1" | sed 's/\\/\\\\/g; s/"/\\"/g' |
    LC_ALL=C awk '{ gsub(/\t/, "\\t"); printf "%s%s", (NR > 1 ? "\\n" : ""), $0 }'
}

# Sets comment_id to that of the comment that has the marker and is of the token's own: anybody may write the marker.
find_comment() {
  comments_page=1 comment_id=
  while [ "$comments_page" -le 30 ]; do
    status=$(call_host GET "$comments?page=$comments_page&per_page=100")
    [ "$status" = 200 ] || return 1
    json <"$work/answer" >"$work/fields"
    comment_id=$(sed 's/\\u003[cC]/</g; s/\\u003[eE]/>/g' "$work/fields" |
      LC_ALL=C awk -F '\t' -v marker="$marker" -v author="$author" '
        { at = substr($1, 1, index($1, ".") - 1); name = substr($1, index($1, ".") + 1) }
        name == "id" && $2 ~ /^[0-9]+$/ { id[at] = $2 }
        (name == "user.login" || name == "author.username") && $2 == author { own[at] = 1 }
        name == "body" && index($2, marker) == 1 { marked[at] = 1 }
        END { for (at in id) if (own[at] && marked[at]) { print id[at]; exit } }')
    if [ -n "$comment_id" ] || [ -z "$(field 99.id)" ]; then break; fi
    comments_page=$((comments_page + 1))
  done
}

comment() {
  if [ -z "${TAP_COMMENT_TOKEN-}" ]; then
    warn 'No comment: TAP_COMMENT_TOKEN is not set.'
    return 0
  fi
  # It stands in a comment of HTML, which the name of a job must not end.
  marker="<!-- tap: $(printf %s "$TAP_PROJECT/$TAP_JOB" | LC_ALL=C tr -c 'A-Za-z0-9._/' _) -->"
  if [ -n "${GITLAB_CI-}" ]; then
    host=${CI_API_V4_URL-} host_token="PRIVATE-TOKEN: $TAP_COMMENT_TOKEN" update=PUT most=900000
    comments=/projects/${CI_PROJECT_ID-}/merge_requests/$TAP_PULL_REQUEST/notes one_comment=$comments
    call_host GET /user >/dev/null
    json <"$work/answer" >"$work/fields"
    author=$(field username)
  else
    host=${GITHUB_API_URL:-https://api.github.com} host_token="Authorization: Bearer $TAP_COMMENT_TOKEN" update=PATCH
    comments=/repos/${GITHUB_REPOSITORY-}/issues/$TAP_PULL_REQUEST/comments most=65000
    one_comment=/repos/${GITHUB_REPOSITORY-}/issues/comments author=${TAP_COMMENT_AUTHOR:-github-actions[bot]}
  fi
  { printf '%s\n' "$marker" && cat "$work/markdown"; } >"$work/comment"
  cut_lines "$work/comment" "$most" >"$work/comment.cut"
  { printf '{"body":"' && json_text "$work/comment.cut" && printf '"}'; } >"$work/comment.json"
  if find_comment; then
    if [ -z "$comment_id" ]; then
      status=$(call_host POST "$comments" "$work/comment.json")
    else
      status=$(call_host "$update" "$one_comment/$comment_id" "$work/comment.json")
    fi
  fi
  case $status in
    200 | 201) say 'Commented on the pull request.' ;;
    *) warn "No comment: $(problem "$status"). The token must be allowed to write it." ;;
  esac
}

# --- The whole ------------------------------------------------------------------------------------------------------

read_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h) usage && exit 0 ;;
      --strict) TAP_STRICT=true && shift && continue ;;
      --comment) TAP_COMMENT=true && shift && continue ;;
      --) shift && break ;;
      -*) [ $# -ge 2 ] || usage_error "$1 needs a value, or is not known." ;;
      *) break ;;
    esac
    case $1 in
      --bucket) TAP_BUCKET=$2 ;;
      --project) TAP_PROJECT=$2 ;;
      --results-url) TAP_RESULTS_URL=$2 ;;
      --role) TAP_ROLE=$2 ;;
      --job) TAP_JOB=$2 ;;
      --wait) TAP_WAIT=$2 ;;
      --summary) TAP_SUMMARY=$2 ;;
      --summary-size) TAP_SUMMARY_SIZE=$2 ;;
      --outputs) TAP_OUTPUTS=$2 ;;
      --branch) TAP_BRANCH=$2 ;;
      --main-branch) TAP_MAIN_BRANCH=$2 ;;
      --commit) TAP_COMMIT=$2 ;;
      --build-url) TAP_BUILD_URL=$2 ;;
      --build) TAP_BUILD=$2 ;;
      --pull-request) TAP_PULL_REQUEST=$2 ;;
      *) usage_error "There is no option $1." ;;
    esac
    shift 2
  done
  if [ $# -gt 0 ]; then printf '%s\n' "$@"; else printf '%s\n' "${TAP_REPORTS-}"; fi |
    tr -d '\r' | sed 's/^[ 	]*//; s/[ 	]*$//; /^$/d' >"$work/patterns"
}

check_options() {
  [ -n "${TAP_BUCKET-}" ] || usage_error 'Name the bucket: --bucket or TAP_BUCKET.'
  [ -n "$TAP_PROJECT" ] || usage_error 'Name the project: --project or TAP_PROJECT.'
  case $TAP_PROJECT in
    # The AWS CLI would take it for an option, or for the address of a file.
    -* | /* | *://*) usage_error "This cannot be the name of a project: $TAP_PROJECT" ;;
  esac
  [ -s "$work/patterns" ] || usage_error 'Name the reports: as arguments or in TAP_REPORTS.'
  is_number "$TAP_WAIT" || usage_error "--wait takes seconds, not $TAP_WAIT."
  is_number "$TAP_SUMMARY_SIZE" || usage_error "--summary-size takes bytes, not $TAP_SUMMARY_SIZE."
}

# Sets the region in which results are asked for, and that of the AWS CLI if the job has none: both are TAP's.
find_region() {
  case ${TAP_RESULTS_URL-} in
    *.lambda-url.*.on.aws*)
      results_region=${TAP_RESULTS_URL#*.lambda-url.}
      results_region=${results_region%%.*}
      ;;
    *) results_region=${AWS_REGION:-${AWS_DEFAULT_REGION-}} ;;
  esac
  # Version 1 of the AWS CLI knows the second alone.
  AWS_REGION=${AWS_REGION:-${AWS_DEFAULT_REGION:-$results_region}}
  if [ -n "$AWS_REGION" ]; then export AWS_REGION AWS_DEFAULT_REGION="$AWS_REGION"; else unset AWS_REGION; fi
}

tell() {
  if [ "$runs" -gt 1 ]; then page=$(page_of_build); fi
  if [ "$recorded" -gt 0 ]; then say "$(totals)"; fi
  if [ -n "$page" ]; then say "$page"; fi
  write_markdown >"$work/markdown"
  if [ -n "${TAP_OUTPUTS-}" ]; then write_outputs >>"$TAP_OUTPUTS"; fi
  if [ -s "$work/markdown" ]; then
    if [ -n "${TAP_SUMMARY-}" ]; then cut_lines "$work/markdown" "$TAP_SUMMARY_SIZE" >>"$TAP_SUMMARY"; fi
    if is_true "${TAP_COMMENT-}" && is_number "$TAP_PULL_REQUEST"; then comment; fi
  fi
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
for file in all files uploads bad good headers answer error fields; do : >"$work/$file"; done
tab=$(printf '\t')
faults=0 uploaded=0 recorded=0 refused=0 runs=0 tests=0 passed=0 failed=0 errors=0 skipped=0 flaky=0 page='' site='' is_one=''
TAP_WAIT=${TAP_WAIT:-120} TAP_SUMMARY_SIZE=${TAP_SUMMARY_SIZE:-1000000} TAP_JOB=${TAP_JOB-}
export AWS_PAGER='' AWS_MAX_ATTEMPTS="${AWS_MAX_ATTEMPTS:-3}"

read_options "$@"
ask_ci
check_options
find_region
find_files
case $(cat "$work/patterns") in
  *[*?[]* | *"
"*) ;;
  *) is_one=1 ;;
esac
if [ -s "$work/files" ]; then
  if ! command -v aws >/dev/null; then
    warn 'Nothing is uploaded: the AWS CLI is not there.'
  elif [ -z "${TAP_ROLE-}" ] || assume_role; then
    upload_all
  fi
fi
if [ "$uploaded" -gt 0 ] && [ -n "${TAP_RESULTS_URL-}" ] && [ "$TAP_WAIT" -gt 0 ] && find_credentials; then
  read_results
fi
tell
if is_true "${TAP_STRICT-}" && [ "$faults" -gt 0 ]; then exit 1; fi
exit 0

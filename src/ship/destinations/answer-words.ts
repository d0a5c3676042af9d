/** Words that servers and proxies use about requests, bodies, limits and access, and in markup. None reveals log content. */
const WORDS = new Set(
  `
  a about above accept acceptable accepted access acknowledge active actual add after again against all allow
  allowed already also always an and another any api are argument array as at attempt attribute attributes auth
  authenticate authenticated authentication authorization authorized available away
  back backend bad bandwidth batch be because been before beginning being below between blocked body boolean both
  br break broken buffer busy but by byte bytes
  cache can cannot capacity center certificate change character characters charset check chunked client closed
  code codes compressed compression concurrent config configuration configured conflict connect connection
  connections contact contain contains content context control corrupt could count credentials current
  datadog date day days deadline decode decoded decoding decompress denied deny deprecated deserialize detail
  details did disabled disallowed disconnect disk div do doctype document documents does don done down duplicate
  during
  each element elements else empty enabled encoded encoding encountered end endpoint enough entity entries entry
  error errors event eventlist events exceed exceeded exceeding exceeds exception exhausted exist exists expect
  expected expired explicit extra
  fail failed failure false fatal few field fields file firewall first for forbidden format found from full
  gateway get given go gone got gzip
  h1 h2 had handle handler has have head header headers healthy help here hint host hour hours how hr html http
  https
  id identity if ignored illegal in inactive included index ingest ingestion input insufficient intake integer
  internal into invalid is issue it item items its
  json
  key keys kind
  large last later least length less level li limit limited limits line list load log logs long longer looking
  malformed many mapper mapping match matching max maximal maximum may media memory message messages method min
  minimum minute minutes missing mode more most moved much must
  name network never new newline nginx no node non none not null number
  object objects occurred of off offline often on one only open operation or order org organization other our out
  over overload overloaded own
  p page parameter parse parsed parser parsing part partial path payload payloads pending per period permanently
  permission permissions permitted phase plan please policy position post pre precondition present previous
  problem process processed processing prohibited property protocol provided proxy
  query queue quota
  range rate reached read readonly ready reason reasons received recognized record records redirect reduce refused
  reject rejected request requested requests require required requires reset resource resources response rest
  retries retry root route rules
  s same schema second seconds security see send sent serialize server service services setting should shutdown
  signature site size slow small some something source space span stale start starting status still stopped
  storage stored stream string struct structure subscription such support supported syntax system
  t tag tags temporarily temporary text than that the their them then there they this throttle throttled
  throttling time timed timeout timestamp title to token tokens too total trailing transfer trial true truncated
  try type types
  ul unable unacceptable unauthenticated unauthorized unavailable unexpected unit unknown unmarshal unprocessable
  unreachable unreadable unrecognized unsupported until up update upstream uri url usage use used using utf
  valid validate validation value values version via
  was way we webhook were when where which while why will with without would wrong
  yet you your
  zstd
  `
    .trim()
    .split(/\s+/),
)

/** Whether `word` is one of the words, or several joined as in `RequestEntityTooLarge`. */
export function isAnswerWord(word: string): boolean {
  if (WORDS.has(word.toLowerCase())) return true
  const parts = word.match(/[A-Z][a-z]+/g) ?? []
  return parts.join('') === word && parts.every((part) => WORDS.has(part.toLowerCase()))
}

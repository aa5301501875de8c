import CCurl
import LinuxSystem
import Testing

@testable import HTTP
@testable import JSON
@testable import Kubernetes

struct APIProblemTests {
    private static func refused(_ status: Int, _ reason: String = "", _ message: String = "", retryAfter_s: Int = 0) -> APIProblem
    {
        .refused(.init(status: status, reason: reason, message: message, retryAfter_s: retryAfter_s))
    }

    @Test(
        "a problem is a sentence that says what to do",
        arguments: [
            (.failed(.unreachable("refused")), "unreachable", "no connection to the API server: refused"),
            (
                .failed(.untrusted("self-signed")), "untrusted",
                "the API server's certificate is not trusted: self-signed (is KUBE_CA_FILE this cluster's authority?)"
            ),
            (.failed(.noCertificates("x")), "no-certificates", "the file of certificates can't be used: x (see KUBE_CA_FILE)"),
            (
                .failed(.silent), "silent",
                "the API server does not answer in time: it is overloaded or stopped, or a network policy drops packets"
            ),
            (
                .failed(.givenUp), "silent",
                "the connection to the API server was given up: something else on it had no answer in its time"
            ),
            (.failed(.broken("reset")), "broken", "the connection to the API server failed: reset"),
            (.failed(.tooLarge), "too-large", "the answer is larger than any that this program reads"),
            (.failed(.garbled("x")), "garbled", "what answered is not an API server: x (see KUBE_SERVER)"),
            (
                .failed(.noToken(path: "/t", .file(.noEntry))), "no-token",
                "no token: /t does not exist (see KUBE_TOKEN_FILE; in a pod, automountServiceAccountToken)"
            ),
            (
                .failed(.noToken(path: "/t", .file(.inputOutput))), "no-token",
                "no token: /t can't be read: Input/output error (EIO)"
            ),
            (
                .failed(.noToken(path: "/t", .file(.denied))), "no-token",
                "no token: /t may not be read by this user (in a pod, see fsGroup)"
            ),
            (.failed(.noToken(path: "/t", .empty)), "no-token", "no token: /t is empty"),
            (.failed(.noToken(path: "/t", .malformed)), "no-token", "no token: /t holds something else than one token"),
            (
                refused(401, "Unauthorized", "Unauthorized"), "401 Unauthorized",
                "HTTP 401 Unauthorized: \"Unauthorized\" (the token is expired, or not of this cluster)"
            ),
            (
                refused(403, "Forbidden", "no"), "403 Forbidden",
                "HTTP 403 Forbidden: \"no\" (see the ClusterRole and Role of the manifests)"
            ),
            (
                refused(429, "TooManyRequests", "", retryAfter_s: 3), "429 TooManyRequests",
                "HTTP 429 TooManyRequests (the API server is overloaded)"
            ),
            (refused(500, "", "a\nb"), "500 ", "HTTP 500: \"a\\nb\""), (refused(502), "502 ", "HTTP 502"),
        ] as [(APIProblem, String, String)])
    func sentences(_ problem: APIProblem, _ kind: String, _ sentence: String) {
        #expect(problem.kind == kind)
        #expect(problem.sentence == sentence)
    }

    @Test(
        "what libcurl says is what a person has to look at",
        arguments: [
            (CURLE_COULDNT_CONNECT, .unreachable("d")), (CURLE_COULDNT_RESOLVE_HOST, .unreachable("d")),
            (CURLE_PEER_FAILED_VERIFICATION, .untrusted("d")), (CURLE_SSL_CACERT_BADFILE, .noCertificates("d")),
            (CURLE_OPERATION_TIMEDOUT, .silent), (CURLE_WEIRD_SERVER_REPLY, .garbled("d")),
            (CURLE_UNSUPPORTED_PROTOCOL, .garbled("d")),
            (CURLE_RECV_ERROR, .broken("d")), (CURLE_GOT_NOTHING, .broken("d")), (CURLE_PARTIAL_FILE, .broken("d")),
            (CURLE_SSL_CONNECT_ERROR, .broken("d")),
        ] as [(CURLcode, HTTPProblem)])
    func codes(_ code: CURLcode, _ problem: HTTPProblem) {
        #expect(HTTPProblem(code, "d") == problem)
    }

    @Test("a refusal is the server's Status where it sent one, and the beginning of what it sent where it didn't")
    func bodies() throws {
        let status = #"{"kind":"Status","status":"Failure","message":"nodes \"x\" not found","reason":"NotFound","code":404}"#
        #expect(
            APIProblem(Answer(status: 404, body: Array(status.utf8), retryAfter_s: 7))
                == Self.refused(404, "NotFound", "nodes \"x\" not found", retryAfter_s: 7))
        #expect(
            APIProblem(Answer(status: 502, body: Array("Bad Gateway".utf8)))
                == Self.refused(502, "", "Bad Gateway"))
        let long = APIProblem(Answer(status: 500, body: [UInt8](repeating: 0xFF, count: 100_000)))
        #expect(long.sentence.utf8.count < 1_000)
        #expect(APIProblem(Answer(status: 500, body: [])) == Self.refused(500))
        #expect(APIProblem(event: try JSON(Array(status.utf8))) == Self.refused(404, "NotFound", "nodes \"x\" not found"))
        #expect(APIProblem(event: [:]) == Self.refused(0))
    }

    @Test("what somebody has to change first isn't asked for again soon; what passes is")
    func lasting() {
        for status in [400, 403, 404, 405, 406, 413, 415, 422] { #expect(Self.refused(status).isLasting) }
        for status in [302, 401, 409, 410, 429, 500, 502, 503, 504] { #expect(!Self.refused(status).isLasting) }
        let problems: [HTTPProblem] = [.silent, .unreachable(""), .untrusted(""), .noToken(path: "", .empty)]
        for problem in problems.map(APIProblem.failed) {
            #expect(!problem.isLasting)
            #expect(problem.status == nil)
            #expect(problem.retryAfter_s == 0)
        }
    }
}

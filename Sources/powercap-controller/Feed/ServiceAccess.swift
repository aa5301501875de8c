internal import HTTP
internal import Policy
internal import PowercapProtocol
internal import Signals

/// How a service is asked: by its configuration, and by what its files hold now. They are read for each time it is asked, because others
/// replace them, and are forgotten after it.
struct ServiceAccess: Sendable {
    /// What its variables begin with: `SOURCE`, `LIVE`.
    let prefix: String
    let settings: ServiceSettings
    /// Of `{date}`.
    let zone: SignalZone

    static let userAgent = "powercap-controller/\(Release.version)"
    /// For a whole answer.
    var timeLimit_ms: UInt64 { min(30_000, max(5_000, settings.refresh.rawValue / 2)) }

    /// What is asked for, and what nobody may read.
    struct Order {
        let urls: [WebURL]
        let fields: [HTTPField]
        let body: Request.Body?
        /// Shown to the service itself.
        let login: Login?
        /// Shown in return for a token.
        let tokenFetch: Fetch?
        /// What must not be told by anybody, in pieces.
        let secrets: [String]
    }

    /// What is asked for at a time, in seconds since 1970.
    func order(at seconds: Int64) throws(ServiceProblem) -> Order {
        var secrets: [String] = []
        let urls = try urls(at: seconds, &secrets)
        var fields: [HTTPField] = []
        if let path = settings.fieldFile {
            let text = try read("HEADER_FILE", path) { path throws(SecretFile.Problem) in try SecretFile.fields(path) }
            fields = text
            secrets += fields.flatMap(\.secrets)
        }
        var body: Request.Body?
        if let path = settings.bodyFile {
            let bytes = try read("BODY_FILE", path) { path throws(SecretFile.Problem) in try SecretFile.bytes(path) }
            body = Request.Body(type: "application/json", bytes: bytes)
        }
        var (login, tokenFetch): (Login?, Fetch?)
        if let path = settings.loginFile {
            let isForToken = settings.loginAddress != nil
            let own = try read("LOGIN_FILE", path) { path throws(SecretFile.Problem) in
                try SecretFile.login(path, isForToken ? .basic : .asAsked)
            }
            secrets += own.secrets
            if let address = settings.loginAddress, let url = try? address.url(at: seconds, in: zone) {
                tokenFetch = Fetch(url, login: own, timeLimit_ms: timeLimit_ms)
            } else {
                login = own
            }
        }
        return Order(urls: urls, fields: fields, body: body, login: login, tokenFetch: tokenFetch, secrets: secrets)
    }

    private func urls(at seconds: Int64, _ secrets: inout [String]) throws(ServiceProblem) -> [WebURL] {
        var templates = settings.addresses
        let (variable, path) = ("\(prefix)_URL_FILE", settings.addressFile)
        if let path {
            let line = try read("URL_FILE", path) { path throws(SecretFile.Problem) in try SecretFile.line(path) }
            do throws(AddressTemplate.Problem) { templates = try AddressTemplate.all(in: line) } catch {
                throw .addresses(variable: variable, path: path, error)
            }
            if templates.count > AddressTemplate.most { throw .tooManyAddresses(variable: variable, path: path) }
        }
        var urls: [WebURL] = []
        for template in templates {
            do throws(WebURL.Problem) { urls.append(try template.url(at: seconds, in: zone)) } catch {
                throw .addresses(variable: path == nil ? "\(prefix)_URL" : variable, path: path ?? "its own value", .url(error))
            }
        }
        if path != nil { secrets += urls.flatMap { [$0.path, $0.query] } }
        // Keys stand in queries, whoever wrote them where.
        secrets += urls.flatMap { $0.query.split { "?&=".contains($0) }.map(String.init) }.filter { $0.utf8.count >= 16 }
        return urls
    }

    private func read<Value>(
        _ name: String, _ path: String, _ take: (String) throws(SecretFile.Problem) -> Value
    ) throws(ServiceProblem) -> Value {
        do throws(SecretFile.Problem) { return try take(path) } catch {
            throw .file(variable: "\(prefix)_\(name)", path: path, error)
        }
    }

    /// A URL as it may be told: without the query, and without the path where a file has it.
    func place(of url: WebURL) -> String { settings.addressFile == nil ? url.origin + url.path : "\(url.origin)/…" }
}

/// Takes out of a sentence what nobody may read: a server can say whatever was shown to it.
func withoutSecrets(_ sentence: String, _ secrets: [String]) -> String {
    var bytes = Array(sentence.utf8)
    for secret in secrets.map({ Array($0.utf8) }).sorted(by: { $0.count > $1.count }) where secret.count >= 4 {
        var place = 0
        while place + secret.count <= bytes.count {
            if bytes[place..<place + secret.count].elementsEqual(secret) {
                bytes.replaceSubrange(place..<place + secret.count, with: "…".utf8)
            }
            place += 1
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

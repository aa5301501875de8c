internal import HTTP
internal import JSON
internal import LinuxSystem

/// What is shown to services that have devices, and what they are checked against. The files are read for each request, because others replace
/// them.
struct DeviceAccess: Equatable, Sendable {
    /// `USER:PASSWORD`, for Redfish; nil shows none. DSP0266 (section 13.3) has every service take it as HTTP Basic, so that no session has to be
    /// opened, kept and closed: BMCs have a few dozen, and one that isn't closed stays for half an hour.
    var loginFile: String?
    /// A bearer token, for the Zeus daemon; nil shows none.
    var tokenFile: String?
    /// nil is the system's.
    var certificateFile: String?

    /// A request as it is sent to a service.
    struct Order {
        let request: Request
        let token: String?
    }

    /// - Throws: `.secret` where a file can't be read.
    func order(_ asked: DeviceRequest, of service: DeviceAddress.Service) throws(DeviceProblem) -> Order {
        var fields: [HTTPField] = []
        // What can't be a field's value is no tag that could be given back.
        if let tag = asked.tag, let field = HTTPField("If-Match", tag) { fields.append(field) }
        var (login, token): (Login?, String?)
        switch service {
        case .redfish:
            if let field = HTTPField("OData-Version", "4.0") { fields.append(field) }
            if let path = loginFile {
                do throws(SecretFile.Problem) { login = try SecretFile.login(path, .basic) } catch {
                    throw .secret(variable: "DEVICE_LOGIN_FILE", path: path, why: error.why)
                }
            }
        case .zeusd:
            if let path = tokenFile {
                do throws(TokenFile.Problem) { token = try TokenFile.read(path) } catch {
                    throw .secret(variable: "DEVICE_TOKEN_FILE", path: path, why: error.why)
                }
            }
        }
        let body = asked.body.map { Request.Body(type: "application/json", bytes: $0.bytes) }
        return Order(
            request: Request(
                method: asked.method, path: asked.path, fields: fields, login: login, wantedFields: ["etag", "location"],
                body: body),
            token: token)
    }
}

extension SecretFile.Problem {
    fileprivate var why: String {
        switch self {
        case .file(let errno): "can't be read: \(errno.explanation) (\(errno.name))"
        case .notAFile: "is no plain file"
        case .empty: "is empty"
        case .tooLarge: "is too large"
        case .notText: "is no text"
        case .manyLines: "has more than one line"
        default: "has no line USER:PASSWORD"
        }
    }
}

extension TokenFile.Problem {
    fileprivate var why: String {
        switch self {
        case .file(let errno): "can't be read: \(errno.explanation) (\(errno.name))"
        case .notAFile: "is no plain file"
        case .empty: "is empty"
        case .malformed: "has no token"
        }
    }
}

internal import HTTP

/// Where a service is that has devices: a word of DEVICE_URL.
struct DeviceAddress: Equatable, Sendable {
    /// What the service speaks.
    enum Service: Equatable, Sendable {
        /// The Zeus daemon (github.com/ml-energy/zeus): GPUs of this machine.
        case zeusd
        /// DMTF's Redfish (DSP0266, DSP2046): a BMC.
        case redfish
    }

    /// As it is given.
    let text: String
    let service: Service
    /// `https://HOST[:PORT]`; of a Unix socket what HTTP calls it.
    let origin: String
    /// The path of the Unix socket where it listens; nil where it listens at `origin`.
    let socket: String?
    /// Of the resource that is looked at first.
    let path: String
    /// The host's name; of what is on this machine `localhost`.
    let host: String

    /// Of every Redfish resource's path (DSP0266, section 6.2).
    static let redfishRoot = "/redfish/v1/"
    /// How many there may be in DEVICE_URL: two daemons and a BMC are usual.
    static let most = 8
    /// Of a socket's path in bytes (unix(7), sun_path without its end).
    private static let longestSocket = 107

    /// Why a text is no address of a service with devices.
    enum Problem: Error, Equatable, Sendable {
        /// Neither `unix:`, `https://` nor `http://`.
        case scheme
        /// `unix:` is followed by an absolute path of at most 107 bytes.
        case socket
        /// Without TLS whoever is on the way could read the login and set limits.
        case plain
        /// With TLS only Redfish is known, whose paths begin with `/redfish/v1/`.
        case path
        case url(WebURL.Problem)
    }

    /// From `unix:/run/zeusd/zeusd.sock`, `http://127.0.0.1:4938` (the Zeus daemon over TCP, on this machine) or
    /// `https://HOST/redfish/v1/…`.
    init(_ text: String) throws(Problem) {
        self.text = text
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard path.hasPrefix("/"), path.utf8.count <= DeviceAddress.longestSocket, !path.utf8.contains(0) else {
                throw .socket
            }
            (service, origin, socket, self.path, host) = (.zeusd, "http://localhost", path, "/", "localhost")
            return
        }
        let url: WebURL
        do throws(WebURL.Problem) { url = try WebURL(text) } catch { throw error == .scheme ? .scheme : .url(error) }
        if url.isPlain, !url.isLocal { throw .plain }
        let path = url.path.count > 1 && url.path.hasSuffix("/") ? String(url.path.dropLast()) : url.path
        if path == "/", url.isPlain, url.query.isEmpty {
            service = .zeusd
        } else if path.hasPrefix(DeviceAddress.redfishRoot), url.query.isEmpty {
            service = .redfish
        } else {
            throw .path
        }
        (origin, socket, self.path, host) = (url.origin, nil, path, url.host)
    }

    /// Of a list with blanks between its words.
    static func all(in text: String) throws(Problem) -> [DeviceAddress] {
        var addresses: [DeviceAddress] = []
        for word in text.split(separator: " ") {
            let address = try DeviceAddress(String(word))
            if !addresses.contains(address) { addresses.append(address) }
        }
        return addresses
    }

    /// - Parameter certificateFile: what the service's certificate is checked against; nil is the system's.
    func server(_ certificateFile: String?) -> Server {
        socket.map { Server(socket: $0) } ?? Server(origin, certificateFile: certificateFile)
    }
}

internal import LinuxSystem

/// A request, whole.
public struct ServerRequest {
    /// HEAD is GET, whose body then isn't sent.
    public enum Method: Sendable { case get, post, put, delete }

    struct Header {
        /// In lower case.
        let name: String
        let value: String
    }

    /// Who is at the other end of a Unix socket.
    public struct Peer {
        /// When it connected.
        public let uid: UInt32
        /// Its primary group, when it connected.
        let gid: UInt32
        let client: Client

        /// Whether it was a member of one of these groups when it connected.
        public func isMember(of groups: [UInt32]) -> Bool {
            groups.contains(gid) || client.descriptor.peerIsMember(ofAny: groups)
        }
    }

    /// What is asked for.
    public let method: Method
    /// Decoded, without the query. It begins with a slash, and has no zero byte.
    public let path: String
    let headers: [Header]
    /// At most 16 KiB; empty where there is none.
    public let body: [UInt8]
    /// nil over TCP.
    public let peer: Peer?
    /// Over TCP, whence it comes: the address of IPv4, the network (/64) of IPv6. 0 over a Unix socket.
    public let origin: UInt64

    /// The value of a header, whose name has any case; of several, all with commas between (RFC 9110, section 5.3). nil without one.
    public func header(_ name: String) -> String? {
        let name = name.lowercased()
        let values = headers.filter { $0.name == name }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }
}

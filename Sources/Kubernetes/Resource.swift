public import HTTP
public import JSON
internal import Text

/// A kind of object at the API server, and in which namespace: what every request's path begins with.
public struct Resource: Equatable, Sendable {
    /// Empty for the core group.
    let group: String
    let version: String
    let plural: String
    /// nil for what belongs to no namespace.
    let namespace: String?

    public init(group: String = "", _ version: String, _ plural: String, in namespace: String? = nil) {
        (self.group, self.version, self.plural, self.namespace) = (group, version, plural, namespace)
    }

    /// Nodes, which belong to no namespace.
    public static let nodes = Resource("v1", "nodes")
    /// Events about what belongs to no namespace are kept in this one.
    static let events = Resource(group: "events.k8s.io", "v1", "events", in: "default")

    /// Who the server says has written a field.
    public static let fieldManager = "powercap-controller"

    /// Of a whole object. etcd takes none of more than 1.5 MiB (--max-request-bytes).
    static let largestObject = 2 << 20
    /// Of a page of a list. One that is larger is asked for again with fewer objects.
    static let largestPage = 4 << 20

    /// How much of an object is answered. Nodes have tens of kilobytes, of which metadata is a small part.
    public enum Form: Sendable {
        case whole, metadata

        fileprivate var accept: String { accept("PartialObjectMetadata") }
        fileprivate var acceptList: String { accept("PartialObjectMetadataList") }

        private func accept(_ kind: String) -> String {
            self == .whole ? "application/json" : "application/json;as=\(kind);g=meta.k8s.io;v=v1"
        }
    }

    /// How a patch is merged with what is there.
    public enum PatchKind: String, Sendable {
        /// RFC 7386: null removes.
        case merge = "application/merge-patch+json"
        /// Lists are merged by their elements' keys.
        case strategic = "application/strategic-merge-patch+json"
        /// Server-side apply: what isn't named any more is removed.
        case apply = "application/apply-patch+yaml"
    }

    /// As it is now: not older than any answer before.
    public func get(_ name: String, _ form: Form = .whole) -> Request {
        Request(method: .get, path: path(name), accept: form.accept)
    }

    /// - Parameters:
    ///   - fieldSelector: such as `metadata.name=node-a`.
    ///   - labelSelector: such as `rack=4`.
    ///   - limit: how many are answered at most; 0 is all.
    ///   - token: where the page before ended.
    public func list(
        fieldSelector: String? = nil, labelSelector: String? = nil, limit: Int = 0, continuing token: String? = nil,
        _ form: Form = .whole
    ) -> Request {
        let query = [
            ("fieldSelector", fieldSelector), ("labelSelector", labelSelector), ("limit", limit > 0 ? "\(limit)" : nil),
            ("continue", token),
        ]
        return Request(
            method: .get, path: path(query: query), accept: form.acceptList,
            largestAnswer: limit > 0 ? Resource.largestPage : Resource.largestObject)
    }

    /// Changes since `resourceVersion`, until the server ends it after `seconds`.
    func watch(
        fieldSelector: String? = nil, labelSelector: String? = nil, from resourceVersion: String, seconds: UInt64,
        _ form: Form = .whole
    ) -> Request {
        let query = [
            ("watch", "1"), ("allowWatchBookmarks", "true"), ("resourceVersion", resourceVersion),
            ("timeoutSeconds", "\(seconds)"), ("fieldSelector", fieldSelector), ("labelSelector", labelSelector),
        ]
        let path = path(query: query)
        // An event has one object.
        return form == .metadata
            ? Request(method: .get, path: path, accept: form.accept, stream_ms: seconds * 1_000)
            : Request(
                method: .get, path: path, accept: form.accept, stream_ms: seconds * 1_000, largestAnswer: Resource.largestObject)
    }

    /// Makes an object that isn't there yet.
    public func create(_ object: JSON) -> Request {
        let query = [("fieldManager", Resource.fieldManager)]
        return Request(method: .post, path: path(query: query), body: .json("application/json", object))
    }

    /// Replaces a whole object; its `resourceVersion` says which.
    func update(_ name: String, _ object: JSON) -> Request {
        let query = [("fieldManager", Resource.fieldManager)]
        return Request(method: .put, path: path(name, query: query), body: .json("application/json", object))
    }

    /// - Parameter force: takes fields from other managers; for server-side apply alone.
    public func patch(
        _ name: String, _ kind: PatchKind, _ patch: JSON, subresource: String? = nil, force: Bool = false,
        _ form: Form = .metadata
    ) -> Request {
        let query = [("fieldManager", Resource.fieldManager), ("force", force ? "true" : nil)]
        return Request(
            method: .patch, path: path(name, subresource: subresource, query: query), accept: form.accept,
            body: .json(kind.rawValue, patch), largestAnswer: form == .whole ? Resource.largestObject : Request.usualAnswer)
    }

    private func path(_ name: String? = nil, subresource: String? = nil, query: [(String, String?)] = []) -> String {
        var path = group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)"
        if let namespace { path += "/namespaces/\(namespace.percentEncoded)" }
        path += "/\(plural)"
        for part in [name, subresource] { if let part { path += "/\(part.percentEncoded)" } }
        let pairs = query.compactMap { name, value in value.map { "\(name)=\($0.percentEncoded)" } }
        return pairs.isEmpty ? path : "\(path)?\(pairs.joined(separator: "&"))"
    }
}

extension Request {
    /// The server's version, which everybody may read.
    public static let version = Request(method: .get, path: "/version")
}

extension Request.Body {
    fileprivate static func json(_ type: String, _ value: JSON) -> Request.Body { Request.Body(type: type, bytes: value.bytes) }
}

extension String {
    /// Whether it is like what a server gives to be handed back as it is, such as a version: of a length and of characters that any of them has.
    public var isToken: Bool { 1...128 ~= utf8.count && utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }

    /// Everything but the unreserved characters of RFC 3986 as `%XX`.
    fileprivate var percentEncoded: String {
        percentEncoded { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                true
            default: false
            }
        }
    }
}

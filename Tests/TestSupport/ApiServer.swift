import Foundation
import HTTP
public import JSON
public import Kubernetes
import Testing

/// The double of the API server, with a port, certificates and tokens of its own.
public final class ApiServer {
    private let child: Child
    private let directory: TemporaryDirectory
    public let url: String
    public let certificates: String
    /// An authority that signed nothing, of the same name as the one that did.
    public let wrongCertificates: String
    /// And one of another name.
    public let otherCertificates: String
    public let tokenFile: String
    /// For whom there are no rules.
    public let adminToken: String
    public static let node = "node-a"
    public static let path = "/api/v1/nodes/\(node)"
    public static let events = "/apis/events.k8s.io/v1/namespaces/default/events"

    public var pid: Int32 { child.pid }

    /// - Parameter wrapper: a command that becomes the server.
    public init(_ arguments: [String] = [], through wrapper: [String] = []) throws {
        directory = try TemporaryDirectory()
        let program = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../apiserver/apiserver")
        let command = wrapper + ["/usr/bin/python3", program.standardized.path, "--node", ApiServer.node] + arguments
        child = try Child(command[0], Array(command.dropFirst()), environment: ["PATH": "/usr/bin:/bin"], reading: .output)
        let ready = try child.next("ready") { $0.hasPrefix("ready ") }
        let facts = try JSON(Array(ready.dropFirst(6).utf8)).texts
        url = try #require(facts["url"])
        certificates = try #require(facts["ca"])
        wrongCertificates = try #require(facts["wrong_ca"])
        otherCertificates = try #require(facts["other_ca"])
        tokenFile = try #require(facts["token_file"])
        adminToken = try #require(facts["admin_token"])
    }

    /// What a controller is given to find it.
    public var environment: [String: String] {
        ["KUBE_SERVER": url, "KUBE_CA_FILE": certificates, "KUBE_TOKEN_FILE": tokenFile, "NODE_NAME": ApiServer.node]
    }

    /// For a client in the tests' own process.
    public var access: ClusterAccess { ClusterAccess(Server(url, certificateFile: certificates), tokenFile: tokenFile) }

    public func kill(_ signal: Int32) { child.kill(signal) }

    // MARK: Commands

    /// Waits until it has executed a line; what `next` gives then came later.
    public func tell(_ line: String) throws {
        try child.write(line)
        try child.next("done \(line)") { $0 == "done \(line)" }
    }

    public func annotate(_ changes: String) throws { try tell("annotate \(ApiServer.node) \(changes)") }

    /// Lets the controller's account do this, and nothing else.
    public func allow(verbs: [String], resources: [String], groups: [String] = [""]) throws {
        func texts(_ texts: [String]) -> JSON { .list(texts.map { .text($0) }) }
        let rules: JSON = [["apiGroups": texts(groups), "resources": texts(resources), "verbs": texts(verbs)]]
        let account: JSON = ["kind": "ServiceAccount", "name": "powercap-controller", "namespace": "powercap-system"]
        let things: JSON = [
            ["kind": "ClusterRole", "metadata": ["name": "test"], "rules": rules],
            [
                "kind": "ClusterRoleBinding", "metadata": ["name": "test"], "roleRef": ["kind": "ClusterRole", "name": "test"],
                "subjects": [account],
            ],
        ]
        let path = "\(directory.path)/rules.json"
        try Data(things.bytes).write(to: URL(filePath: path))
        try tell("rbac \(path)")
    }

    /// Carries out a command that prints an answer. No line is passed over.
    private func ask(_ line: String, _ word: String) throws -> JSON {
        try JSON(Array(child.answer(to: line) { $0.hasPrefix("\(word) ") }.dropFirst(word.utf8.count + 1).utf8))
    }

    /// An object, or every object of a collection.
    public func show(_ path: String) throws -> JSON { try ask("show \(path)", "object") }

    /// A token of a pod on a node; of no pod where there is none. What isn't said is the double's own.
    public func token(of node: String?, audience: String? = nil, seconds: Int = 3600, account: String? = nil) throws -> String {
        let line = "token-for \(node ?? "-") \(audience ?? "-") \(seconds)" + (account.map { " \($0)" } ?? "")
        return try #require(try ask(line, "token-for").text)
    }

    /// An administrator, or a kubelet, changes the conditions.
    public func changeConditions(_ change: ([JSON]) -> [JSON]) throws {
        let conditions = try show(ApiServer.path)["status"]?["conditions"]?.elements ?? []
        let patch: JSON = ["status": ["conditions": .list(change(conditions))]]
        try tell("patch \(ApiServer.path)/status \(String(decoding: patch.bytes, as: UTF8.self))")
    }

    /// What the token's account was asked for and allowed: `group resource verb namespace`.
    public func rulesUsed() throws -> Set<String> {
        let rules = try #require(try ask("rules", "rules").elements).map(\.texts)
        return Set(rules.map { "\($0["group"]!) \($0["resource"]!) \($0["verb"]!) \($0["namespace"]!)" })
    }

    // MARK: What happens

    /// Waits for the next line that starts with these words, and passes over those before it.
    @discardableResult
    public func next(_ words: String) throws -> String { try child.next(words) { $0 == words || $0.hasPrefix(words + " ") } }

    /// Waits for the next request of a kind, and passes over those before it.
    @discardableResult
    public func nextRequest(_ kind: Asked.Kind, status: Int? = nil) throws -> Asked {
        try #require(
            Asked(
                try child.next("\(kind) \(status.map(String.init) ?? "")") { line in
                    guard let asked = Asked(line) else { return false }
                    return asked.kind == kind && (status == nil || asked.status == status)
                }))
    }

    /// The requests so far.
    public var requests: [Asked] {
        get throws {
            // What was printed before the answer has been read then.
            _ = try ask("rules", "rules")
            return child.lines.compactMap(Asked.init)
        }
    }

    public func first(_ kind: Asked.Kind) throws -> Asked { try #require(try requests.first { $0.kind == kind }) }

    public func count(_ kind: Asked.Kind) throws -> Int { try requests.filter { $0.kind == kind }.count }

}

/// A line `request METHOD PATH STATUS IN OUT USER FAULT`.
public struct Asked: Equatable, CustomStringConvertible {
    public enum Kind: String { case version, list, watch, metadata, condition, event, series, other }

    public let description: String
    public let method: String
    public let path: String
    /// nil where nothing was answered.
    public let status: Int?
    public let bytes: (received: Int, sent: Int)
    public let user: String
    public let fault: String?

    public init?(_ line: String) {
        let words = line.split(separator: " ").map(String.init)
        guard words.count == 8, words[0] == "request" else { return nil }
        description = line
        (method, path, status, user) = (words[1], words[2], Int(words[3]), words[6])
        bytes = (Int(words[4]) ?? 0, Int(words[5]) ?? 0)
        fault = words[7] == "-" ? nil : words[7]
    }

    public var kind: Kind {
        switch method {
        case "GET" where path == "/version": .version
        case "GET" where path.contains("watch=1"): .watch
        case "GET" where path.hasPrefix("/api/v1/nodes?"): .list
        case "PATCH" where path.hasPrefix("\(ApiServer.path)/status"): .condition
        case "PATCH" where path.hasPrefix(ApiServer.path): .metadata
        case "POST" where path.hasPrefix(ApiServer.events): .event
        case "PATCH" where path.hasPrefix(ApiServer.events): .series
        default: .other
        }
    }

    /// A query's value.
    public subscript(name: String) -> String? {
        path.split(separator: "?").last?.split(separator: "&").first { $0.hasPrefix("\(name)=") }
            .map { String($0.dropFirst(name.utf8.count + 1)) }
    }

    public static func == (left: Asked, right: Asked) -> Bool { left.description == right.description }
}

extension ApiServer {
    /// The Events so far.
    public func eventObjects() throws -> [JSON] { try #require(try show(ApiServer.events).elements) }
}

internal import HTTP
internal import Policy
internal import Signals

/// A service as it is configured: where it is asked, and in which files what is shown to it lies.
struct ServiceSettings: Equatable, Sendable {
    /// Empty where a file has them.
    var addresses: [AddressTemplate] = []
    var addressFile: String?
    var fieldFile: String?
    /// nil is a GET.
    var bodyFile: String?
    /// nil where no login is made.
    var loginAddress: AddressTemplate?
    var loginFile: String?
    /// Where the answer to a login has the token.
    var tokenPath = SignalPath.token
    /// nil is the system's authorities.
    var certificateFile: String?
    var refresh = Milliseconds.hour

    /// Whether there is one.
    var isGiven: Bool { !addresses.isEmpty || addressFile != nil }

    /// Who serves many has to be asked seldom: some take a hundred requests a day from one address (docs/sources.md).
    static let leastRefresh = Milliseconds.seconds(60)

    /// Asking costs nobody else anything. What a file has isn't known.
    var isPrivate: Bool {
        addressFile == nil
            && addresses.allSatisfy { template in
                do { return try template.url(at: 0).isPrivate } catch { return false }
            }
    }

    /// Where it is asked, as far as it may be told, without any file being read.
    var place: String {
        if let addressFile { return "the address in \(addressFile)" }
        return addresses.map { String($0.text.prefix { $0 != "?" }) }.joined(separator: " ")
    }
}

extension Configuration {
    /// The service as it is asked: at the preset's address where none is given.
    var askedService: ServiceSettings {
        guard !service.isGiven, let preset = sourcePreset, let addresses = try? AddressTemplate.all(in: preset.url) else {
            return service
        }
        var asked = service
        asked.addresses = addresses
        return asked
    }
}

extension SignalPath {
    /// `$`: a document that is a number.
    static let whole: SignalPath = {
        do { return try SignalPath("$") } catch { preconditionFailure("this is a path") }
    }()

    /// `$.token`, as WattTime has it.
    static let token: SignalPath = {
        do { return try SignalPath("$.token") } catch { preconditionFailure("this is a path") }
    }()
}

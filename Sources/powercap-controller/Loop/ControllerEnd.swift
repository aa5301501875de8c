internal import LinuxSystem
internal import Logging
internal import Policy
internal import PowercapProtocol

/// How the loop ends: with the limits given back, or handed over to a successor.
extension Controller {
    /// Ends without giving control back: the limits stay for the time of the lease, and a successor takes control over from a
    /// connection that is closed. The exit status asks the supervisor to start one, with an environment read anew.
    func handOver(_ reason: String) -> Int32 {
        do throws(HelperError) {
            // The successor gets a whole lease. Of what is granted nobody gets more than what is left.
            if granted == nil { try session?.renew() }
        } catch { log.warning("the lease could not be renewed for a successor", ("why", .text(error.sentence))) }
        log.info(
            session == nil ? "handing over, without control" : "handing over: the limits stay until a successor takes control",
            ("reason", .text(reason)), ("lease_ms", .number(UInt64(session?.lease_ms ?? 0))),
            ("on_lease_expiry", .text(last.map { "\($0.onLeaseExpiry)" } ?? "-")))
        return 75
    }

    /// Gives control back, and then says so on the Node: the exit status.
    func end(_ reason: String) -> Int32 {
        supervisor.stopping()
        let ending = giveBack(reason)
        node.finish(ending)
        return ending.exitStatus
    }

    private func giveBack(_ reason: String) -> Ending {
        var fields: [Log.Field] = [("reason", .text(reason))]
        guard let last else {
            Ending.untouched.tell(log, fields)
            return .untouched
        }
        // What the helper does without being told.
        let fallback: Log.Field = ("on_lease_expiry", .text("\(last.onLeaseExpiry)"))
        guard let session else {
            Ending.abandoned.tell(log, fields + [fallback])
            return .abandoned
        }
        do throws(HelperError) {
            let released = try session.release(configuration.onExit.disposal)
            let ending = Ending(configuration.onExit, released)
            fields += [
                ("restored", .number(UInt64(released.restored))), ("foreign", .number(UInt64(released.foreign))),
                ("failed", .number(UInt64(released.failed))),
            ]
            if released.fallback > 0 { fields.append(("fallback", .number(UInt64(released.fallback)))) }
            ending.tell(log, fields)
            return ending
        } catch {
            log.error(
                "stopped, but control could not be given back: the helper deals with the limits when the lease ends",
                fields + [("why", .text(error.sentence)), fallback])
            return .abandoned
        }
    }
}

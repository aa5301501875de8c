import Fleet

/// What can happen. A generation tells an event of a process that has ended since from one of the process that runs.
enum Event {
    // On a node.
    case agentWakes(Int, number: Int)
    case writeLands(Int, token: Int, limit: UInt64, rest: UInt64)
    case renewalLands(Int, token: Int)
    case leaseMayEnd(Int)
    case agentStarts(Int, generation: Int)
    case bootUnitActs(Int, boot: UInt64)
    case nodeIsUp(Int, boot: UInt64)
    case nodeBoots(Int)
    case nodeWakesUp(Int)
    case helperStarts(Int, boot: UInt64)
    case nodeIsLetUp(Int)
    // Between nodes and coordinators.
    case reportArrives(Report, office: Int, node: Int, generation: Int)
    case answerArrives(Grant?, node: Int, generation: Int, nonce: UInt64)
    // Of coordinators; each waits while its process is paused.
    case office(Int, OfficeEvent, generation: Int)
    case officeGoesOn(Int)
    case wayIsFree(node: Int, office: Int)
    case storeIsBack(Int)
    case officeStarts(Int)
    // Of the store, which is the API server.
    case leaseWriteArrives(office: Int, generation: Int, version: Int, isRenewal: Bool, sent_ns: UInt64)
    case partArrives(PartRequest, office: Int, generation: Int, number: Int)
    case recordsArrive(office: Int, generation: Int, version: Int, records: [NodeRecord], pending: Int)
    // What goes wrong, and what is changed on purpose.
    case trouble
}

enum OfficeEvent {
    case elects
    case seesLease(Lease)
    case leaseWritten(Bool, sent_ns: UInt64, epoch: UInt64, version: Int)
    case readsRecords([String: NodeRecord], version: Int)
    case keepsRecords
    case recordsKept(Bool, pending: Int, version: Int)
    case ticks
    case hearsOfBudgets
    case seesParent(version: Int, sent_ns: UInt64)
    case partAnswered(Int, PartRequest, isDone: Bool, StoredPart?)
}

/// The object that coordinators compete for.
struct Lease {
    var holder = -1
    var version = 0
    var transitions: UInt64 = 0
}

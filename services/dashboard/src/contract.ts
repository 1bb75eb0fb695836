// The admin protocol (proto/expbuild/admin/v1/admin.proto) as protobuf's JSON mapping writes it: int64 as
// strings, times as RFC 3339, durations as "1.5s". A message that is unset is left out; all else is there.

export type Severity = "UNKNOWN" | "NOTICE" | "WARNING" | "ERROR";
export interface Problem { severity: Severity; what: string; nextStep: string }

export interface Status {
  version: string; instanceName: string; startedAt?: string;
  queuedActions: string; runningActions: string; completedActions: string; failedActions: string;
  cachedActions: string; storedBlobs: string;
  workers: Worker[]; problems: Problem[];
}

export type WorkerState =
  "UNKNOWN" | "STARTING" | "IDLE" | "BUSY" | "DRAINING" | "BACKOFF" | "QUARANTINED" | "DRAINED";
export interface Property { name: string; value: string }
export interface Restart { at?: string; why: string }
export interface Worker {
  name: string; type: string; state: WorkerState; restarts: string; lastFailure: string; action: string;
  pid: string; image: string; platform: Property[]; since?: string; history: Restart[];
}
export interface Workers { workers: Worker[] }
export interface ControlWorkersResponse { workers: string[] }

export interface Trace {
  operationName: string; actionDigest: string; events: TraceEvent[];
  toolName: string; toolVersion: string; actionId: string; invocationId: string;
  correlatedInvocationsId: string; targetId: string; actionMnemonic: string; configurationId: string;
}
export interface TraceEvent {
  span: string; parentSpan: string; sentAt?: string; queuedFor?: string; handledIn?: string;
  from: string; to: string; message: string; outcome: string;
}

export interface Stage { from?: string; to?: string }
export interface Action {
  operationName: string; actionDigest: string; stage: string; outcome: string; exitCode: number;
  status: string; message: string; targetId: string; actionMnemonic: string; invocationId: string;
  toolName: string; worker: string; attempts: number; beganAt?: string; endedAt?: string;
  queued?: Stage; fetched?: Stage; executed?: Stage; uploaded?: Stage; waitingFor: string;
}
export interface ActionList { actions: Action[]; nextPageToken: string; total: string }

export interface LostAttempt { at?: string; worker: string; why: string }
export interface Output {
  path: string; kind: string; digest: string; target: string; executable: boolean; missing: boolean;
}
export interface ActionDetails {
  action?: Action; operationNames: string[]; arguments: string[]; environment: Property[];
  platform: Property[]; workingDirectory: string; timeout?: string; doNotCache: boolean;
  commandDigest: string; inputRootDigest: string; outputs: Output[];
  stdoutDigest: string; stderrDigest: string; lostAttempts: LostAttempt[]; explanation?: Explanation;
  peakMemoryBytes: string; userTime?: string; systemTime?: string; notes: string[];
}

export interface Explanation {
  operationName: string; actionDigest: string; summary: string;
  whyWaiting: string[]; whyFailed: string[]; whyNotCached: string[];
  comparedWith: string; differences: Difference[]; mismatches: WorkerMismatch[];
}
export interface Difference { what: string; name: string; before: string; after: string }
export interface WorkerMismatch {
  workers: string; property: string; wanted: string; offered: string; state: string;
}

export interface Actor {
  name: string; parent: string; mailbox: string; mailboxPeak: string; handled: string;
  longestWait?: string; handling?: string; busyFor?: string; restarts: string; state: string;
  lastExit: string; count: string;
}
export interface ActorList { actors: Actor[] }

export interface Lost { events: string }
export interface LogLine { at?: string; level: string; module: string; message: string }
export interface Features { control: boolean; version: string }

// The Remote Execution API's own, as far as the input tree shows it.
export interface ReDigest { hash: string; sizeBytes: string }
export interface FileNode { name: string; digest?: ReDigest; isExecutable: boolean }
export interface DirectoryNode { name: string; digest?: ReDigest }
export interface SymlinkNode { name: string; target: string }
export interface Directory { files: FileNode[]; directories: DirectoryNode[]; symlinks: SymlinkNode[] }

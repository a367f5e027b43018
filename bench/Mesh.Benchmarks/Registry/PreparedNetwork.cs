using System.Collections.Concurrent;
using System.Globalization;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.Persistence.Sqlite;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Events;
using Mesh.Registry.Revocation;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Benchmarks.Registry;

/// <summary>The directory of a registry, with as much in its journal as a measurement wants; removed at the end.</summary>
internal sealed class PreparedNetwork : IDisposable
{
    /// <summary>Bits of a node's prefix: room for 16 million nodes, since every measured join takes one.</summary>
    public const int PrefixLength = 24;

    private const string Nodes = "registry", Revocations = "crl";   // streams of the journal
    private const int BatchLength = 1_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly EventSchema Schema = RegistrySchema.AddTo(new EventSchema());

    private readonly CertificateAuthority _authority;
    private readonly DateTimeOffset _now = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds());

    private PreparedNetwork(string program, string directory)
    {
        (Program, Directory) = (program, directory);
        _ = RegistryProcess.Execute(program, "registry", "init", "--network", "2001:db8::/32", "--dir", directory);
        _authority = CertificateAuthority.TryLoad(File.ReadAllText(Path.Combine(directory, "ca.crt")), File.ReadAllText(Path.Combine(directory, "ca.key")), out CertificateAuthority? authority, out string? problem)
            ? authority
            : throw new InvalidOperationException(problem);
    }

    /// <summary>The <c>mesh</c> program.</summary>
    public string Program { get; }

    /// <summary>The registry's directory.</summary>
    public string Directory { get; }

    /// <summary>Who signs.</summary>
    public PublicKey Authority => _authority.Certificate.PublicKey;

    /// <summary>Makes an empty network.</summary>
    public static PreparedNetwork Create(BenchmarkOptions options) =>
        new(options.MeshProgram!, Path.Combine(options.Directory, $"mesh-benchmark-{Guid.NewGuid():n}"));

    /// <summary>The prefix of the node with a number, in the order in which a registry gives them.</summary>
    public static NodePrefix PrefixOf(int node) => new((UInt128)node, PrefixLength);

    /// <summary>A name for the token of a number.</summary>
    public static string TokenOf(int number) => string.Create(CultureInfo.InvariantCulture, $"token-{number}");

    /// <summary>Starts the registry and waits until it listens.</summary>
    public RegistryProcess Run() => RegistryProcess.Run(Program, Directory);

    /// <summary>Adds a token for a million nodes to the running registry.</summary>
    public string AddToken() => RegistryProcess.Execute(Program, "registry", "token", "add", "--dir", Directory, "--uses", "1000000").Trim();

    /// <summary>Writes the events of a network of so many nodes, which have joined with tokens. The nodes share some keys: a registry does not compare them, and a key takes longer than all the rest.</summary>
    /// <param name="nodes">How many nodes.</param>
    /// <param name="keys">Node n has key n modulo their number.</param>
    /// <param name="events">How many events altogether: after the joins come renewals, revocations and tokens that nobody uses. At least two a node.</param>
    /// <returns>The last token that was added.</returns>
    public string Write(int nodes, IReadOnlyList<PrivateKey> keys, int events)
    {
        using SqliteJournal journal = SqliteJournal.Open(Path.Combine(Directory, "registry.db"));
        using var outcomes = new Outcomes();
        var streams = new Dictionary<string, (long SequenceNr, List<JournalEvent> Batch)>(StringComparer.Ordinal) { [Nodes] = (0, []), [Revocations] = (0, []) };
        string token = "";
        foreach (object happened in Joins(nodes, keys).Concat(Life(nodes, keys)).Take(events))
        {
            token = (happened as TokenAdded)?.Token ?? token;
            string stream = happened is RegistryEvent ? Nodes : Revocations;
            (long sequenceNr, List<JournalEvent> batch) = streams[stream];
            (string name, int version, byte[] payload) = Schema.Serialize(happened);
            batch.Add(new JournalEvent(sequenceNr + 1, name, version, payload, _now));
            streams[stream] = (sequenceNr + 1, batch);
            if (batch.Count == BatchLength)
                Append(journal, outcomes, stream, batch);
        }

        foreach ((string stream, (_, List<JournalEvent> batch)) in streams.Where(static stream => stream.Value.Batch.Count > 0))
            Append(journal, outcomes, stream, batch);
        return token;
    }

    public void Dispose()
    {
        _authority.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private static void Append(SqliteJournal journal, Outcomes outcomes, string stream, List<JournalEvent> batch)
    {
        journal.Append(new AppendRequest(batch[0].SequenceNr, stream, [.. batch], outcomes));
        outcomes.Expect<AppendCompleted>(Patience);
        batch.Clear();
    }

    private IEnumerable<object> Joins(int nodes, IReadOnlyList<PrivateKey> keys)
    {
        string[] pems = Certificates(nodes, keys);
        for (int node = 0; node < nodes; node++)
        {
            NodePrefix prefix = PrefixOf(node);
            string email = $"node-{node}@example.org";
            yield return new TokenAdded(TokenOf(node), email, PrefixLength, Uses: 1, _now.AddDays(100), Note: null);
            yield return new CertificateIssued(TokenOf(node), prefix.Bits, email, pems[node], (ulong)node + 1, node, _now.AddDays(365));
        }
    }

    // Per ten events seven renewals, a revocation of a certificate that was renewed since, a token that is added and one that is deleted again.
    private IEnumerable<object> Life(int nodes, IReadOnlyList<PrivateKey> keys)
    {
        string pem = Certificates(1, keys)[0];   // what a renewal holds is not looked at, but for its length
        ulong serial = (ulong)nodes;
        for (int i = 0; ; i++)
        {
            int node = i % nodes;
            yield return (i % 10) switch
            {
                7 => new CertificatesRevoked([new RevocationEntry(serial, _now.AddDays(365), RevocationKind.Renewable)]),
                8 => new TokenAdded(TokenOf(nodes + (i / 10)), "somebody@example.org", PrefixLength, Uses: 1, _now.AddDays(100), Note: null),
                9 => new TokenDeleted(TokenOf(nodes + (i / 20))),
                _ => (object)new CertificateRenewed(PrefixOf(node).Bits, pem, ++serial, _now.AddDays(365)),
            };
        }
    }

    private string[] Certificates(int nodes, IReadOnlyList<PrivateKey> keys)
    {
        string[] requests = [.. keys.Select(static key => new CertificateRequestBuilder().ToPem(key))];
        string[] pems = new string[nodes];
        Parallel.For(0, nodes, node =>
        {
            var identity = new IssuedIdentity(PrefixOf(node), (uint)node, (ulong)node + 1, _now, _now.AddDays(365));
            RequestProblem problem = _authority.TryIssue(requests[node % requests.Length], identity, out NodeCertificate? certificate);
            pems[node] = certificate?.ToPem() ?? throw new InvalidOperationException($"a request was refused: {problem}");
        });
        return pems;
    }

    /// <summary>Waits for what the journal says.</summary>
    private sealed class Outcomes : ActorRef, IDisposable
    {
        private readonly BlockingCollection<object> _messages = [];

        public override string Path => "/benchmark";

        public override void Tell(object message) => _messages.Add(message);

        public override void Tell(object message, ActorRef? sender) => _messages.Add(message);

        public void Expect<T>(TimeSpan patience)
        {
            if (!_messages.TryTake(out object? outcome, patience) || outcome is not T)
                throw new InvalidOperationException($"the journal said {outcome ?? "nothing"}");
        }

        public void Dispose() => _messages.Dispose();
    }
}

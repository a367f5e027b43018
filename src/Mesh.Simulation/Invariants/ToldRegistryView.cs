using System.Collections.Immutable;
using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Registry.Revocation;
using Mesh.Simulation.Ranks;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Invariants;

/// <summary>The simulated registry where several processes compute the world: as the one that has it tells, once for each moment at which somebody asks. What has not changed since is not told again.</summary>
internal sealed class ToldRegistryView(SimulatedNetwork world) : RegistryView
{
    private readonly SimulatedRegistryView _own = new(world);   // where it is computed
    private long _asked = -1;
    private TimeSpan? _upSince;
    private ImmutableArray<RegisteredNode> _nodes = [];
    private IReadOnlyDictionary<string, Token> _tokens = ImmutableSortedDictionary<string, Token>.Empty;
    private IReadOnlyDictionary<ulong, RevokedCertificate> _revocations = ImmutableSortedDictionary<ulong, RevokedCertificate>.Empty;
    private ulong _lastSerial;
    private long? _rotationSteps;

    public override TimeSpan? UpSince => Told()._upSince;

    public override ulong Published => _own.Published;

    public override TimeSpan PublishedAt => _own.PublishedAt;

    public override IReadOnlyCollection<RegisteredNode> Nodes => Told()._nodes;

    public override IReadOnlyDictionary<string, Token> Tokens => Told()._tokens;

    public override IReadOnlyDictionary<ulong, RevokedCertificate> Revocations => Told()._revocations;

    public override ulong LastSerial => Told()._lastSerial;

    public override long? RotationSteps => Told()._rotationSteps;

    public override DateTimeOffset UtcNow => _own.UtcNow;

    private ToldRegistryView Told()
    {
        if (_asked != world.Engine.Moment)
        {
            _asked = world.Engine.Moment;
            world.Engine.Ask(Write, Read);
        }

        return this;
    }

    private void Write(RankWriter writer)
    {
        writer.Bool(world.Registry.Machine.IsLocal);
        if (!world.Registry.Machine.IsLocal)
            return;
        (_upSince, _lastSerial, _rotationSteps) = (_own.UpSince, _own.LastSerial, _own.RotationSteps);
        writer.Maybe(_upSince, writer.Time);
        writer.ULong(_lastSerial);
        writer.Maybe(_rotationSteps, writer.Long);
        ImmutableArray<RegisteredNode> nodes = [.. _own.Nodes];
        bool hasChanged = !nodes.AsSpan().SequenceEqual(_nodes.AsSpan(), ReferenceEqualityComparer.Instance);
        writer.Bool(hasChanged);
        if (hasChanged)
            writer.List(_nodes = nodes, node => WriteNode(writer, node));
        IReadOnlyDictionary<string, Token> tokens = _own.Tokens;
        writer.Bool(!ReferenceEquals(tokens, _tokens));
        if (!ReferenceEquals(tokens, _tokens))
            writer.List(_tokens = tokens, token => WriteToken(writer, token.Key, token.Value));
        IReadOnlyDictionary<ulong, RevokedCertificate> revocations = _own.Revocations;
        writer.Bool(!ReferenceEquals(revocations, _revocations));
        if (!ReferenceEquals(revocations, _revocations))
            writer.List(_revocations = revocations, entry => WriteRevocation(writer, entry.Key, entry.Value));
    }

    private void Read(RankReader reader)
    {
        if (!reader.Bool())
            return;
        _upSince = reader.MaybeValue(reader.Time);
        _lastSerial = reader.ULong();
        _rotationSteps = reader.MaybeValue(reader.Long);
        if (reader.Bool())
            _nodes = [.. reader.List(() => ReadNode(reader))];
        if (reader.Bool())
            _tokens = reader.List(() => ReadToken(reader)).ToImmutableSortedDictionary(StringComparer.Ordinal);
        if (reader.Bool())
            _revocations = reader.List(() => ReadRevocation(reader)).ToImmutableSortedDictionary();
    }

    private static void WriteNode(RankWriter writer, RegisteredNode node)
    {
        writer.Prefix(node.Prefix);
        writer.Maybe(node.Email, writer.Text);
        writer.Text(node.Pem);
        writer.ULong(node.Serial);
        writer.Int(node.SubjectSerial);
        writer.Instant(node.NotAfter);
        writer.Bool(node.IsExcluded);
    }

    private static RegisteredNode ReadNode(RankReader reader) =>
        new(reader.Prefix(), reader.Maybe(reader.Text), reader.Text(), reader.ULong(), reader.Int(), reader.Instant()) { IsExcluded = reader.Bool() };

    private static void WriteToken(RankWriter writer, string secret, Token token)
    {
        writer.Text(secret);
        writer.Text(token.Email);
        writer.Int(token.PrefixLength);
        writer.Int(token.UsesLeft);
        writer.Instant(token.Expires);
        writer.Maybe(token.Note, writer.Text);
    }

    private static KeyValuePair<string, Token> ReadToken(RankReader reader) =>
        new(reader.Text(), new Token(reader.Text(), reader.Int(), reader.Int(), reader.Instant(), reader.Maybe(reader.Text)));

    private static void WriteRevocation(RankWriter writer, ulong serial, RevokedCertificate entry)
    {
        writer.ULong(serial);
        writer.Instant(entry.NotAfter);
        writer.Byte((byte)entry.Kind);
    }

    private static KeyValuePair<ulong, RevokedCertificate> ReadRevocation(RankReader reader) =>
        new(reader.ULong(), new RevokedCertificate(reader.Instant(), reader.Member<RevocationKind>(reader.Byte())));
}

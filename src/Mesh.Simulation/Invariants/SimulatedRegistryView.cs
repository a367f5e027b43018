using System.Collections.Immutable;
using Mesh.Registry;
using Mesh.Registry.Revocation;
using Mesh.Registry.Rotation;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Invariants;

/// <summary>The simulated registry, seen without asking it.</summary>
internal sealed class SimulatedRegistryView(SimulatedNetwork world) : RegistryView
{
    private static readonly ListNodes AskNodes = new();
    private static readonly ListTokens AskTokens = new();
    private static readonly GetStatistics AskStatistics = new();
    private static readonly GetRevocations AskRevocations = new();
    private static readonly GetRotation AskRotation = new();

    public override TimeSpan? UpSince => Ask(world.Registry.Actors?.Registry, AskStatistics) is null ? null : world.Registry.Machine.BootedAt;

    public override ulong Published => world.Registry.Published.Number;

    public override TimeSpan PublishedAt => world.Registry.PublishedAt;

    public override IReadOnlyCollection<RegisteredNode> Nodes => Ask(world.Registry.Actors?.Registry, AskNodes) is NodeList list ? list.Nodes : [];

    public override IReadOnlyDictionary<string, Token> Tokens =>
        Ask(world.Registry.Actors?.Registry, AskTokens) is TokenList list ? list.Tokens : ImmutableSortedDictionary<string, Token>.Empty;

    public override IReadOnlyDictionary<ulong, RevokedCertificate> Revocations =>
        Ask(world.Registry.Actors?.Crl, AskRevocations) is RevocationList list ? list.Entries : ImmutableSortedDictionary<ulong, RevokedCertificate>.Empty;

    public override ulong LastSerial => (Ask(world.Registry.Actors?.Registry, AskStatistics) as RegistryStatistics)?.LastSerial ?? 0;

    public override long? RotationSteps => (Ask(world.Registry.Actors?.Hmac, AskRotation) as RotationStatus)?.Steps;

    public override DateTimeOffset UtcNow => world.Engine.Epoch + world.Engine.Now;

    private object? Ask(Actors.ActorRef? actor, object question) => actor is null ? null : world.Registry.Machine.System?.Inspect(actor, question);
}

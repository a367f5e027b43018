using System.Text;
using System.Text.Json;
using Mesh.Actors.Persistence;
using Mesh.Actors.TestKit;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Events;
using Mesh.Registry.Parameters;
using Mesh.Registry.Revocation;
using Mesh.Registry.Rotation;

namespace Mesh.Registry.Tests;

/// <summary>The first versions kept revocations, routing keys and parameters in the registry's own stream.</summary>
public sealed class LegacyJournalTests
{
    private static readonly DateTimeOffset End = new(2026, 12, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly string Key = Convert.ToBase64String(new byte[16]);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_other_actors_hold_now_is_handed_over(bool hasSnapshot)
    {
        NetworkVersion version = NetworkVersion.Create(7, [0x51, 0x52]);
        string content = new RegistryOptions().ToParameters(NodePrefix.ParseBits("00"), version, [3ul]).VersionedContent();
        var disk = new SimulatedDisk();
        Write(
            disk,
            hasSnapshot,
            new CertificateIssued(null, "00", "r@b", "CERT 0/2 0 1 x\n", 1, 0, End),
            new CertificateIssued(null, "01", "a@b", "CERT 1/2 1 3 x\n", 3, 1, End),
            new BabelKeysChanged([Key, null, null]),
            new CertificateRevoked(3, End, null),
            new ParametersPublished([.. version.Blob], content));
        var world = new RegistryWorld(disk: disk);
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        for (int start = 0; start < 3; start++)
        {
            ParametersGiven given = world.Parameters(RegistryWorld.Bits("00"));
            Assert.Equal((7ul, Key, 3ul), (given.Parameters.Version.Number, Convert.ToBase64String(given.SignKey!), Assert.Single(given.Parameters.RevokedSerials)));
            Assert.Null(given.AcceptKey);
            Assert.Equal(RevocationKind.Renewable, world.Ask<RevocationList>(world.Actors.Crl, new GetRevocations()).Entries[3].Kind);
            Assert.Equal(RotationState.Stable, world.Ask<RotationStatus>(world.Actors.Hmac, new GetRotation()).State);
            world = world.Restart();
        }

        world.Kit.Advance(TimeSpan.FromDays(366));
        Assert.Empty(world.Ask<RevocationList>(world.Actors.Crl, new GetRevocations()).Entries);
        world = world.Restart();
        Assert.Empty(world.Ask<RevocationList>(world.Actors.Crl, new GetRevocations()).Entries);   // what was handed over once is not handed over again
    }

    [Theory, InlineData(0), InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(6), InlineData(8)]
    public void A_crash_during_the_handover_repeats_it(int milliseconds)
    {
        var disk = new SimulatedDisk();
        Write(disk, hasSnapshot: false, new CertificateIssued(null, "00", null, "CERT 0/2 0 1 x\n", 1, 0, End), new BabelKeysChanged([Key, null, null]), new CertificateRevoked(9, End, "01"));
        var world = new RegistryWorld(disk: disk);
        world.Kit.Advance(TimeSpan.FromMilliseconds(milliseconds));
        world = world.Crash(seed: 3);
        world.Kit.Advance(TimeSpan.FromSeconds(2));
        ParametersGiven given = world.Parameters(RegistryWorld.Bits("00"));
        Assert.Equal((1ul, Key, 9ul), (given.Parameters.Version.Number, Convert.ToBase64String(given.SignKey!), Assert.Single(given.Parameters.RevokedSerials)));
    }

    [Fact]
    public void A_network_that_began_without_keys_stays_without()
    {
        var disk = new SimulatedDisk();
        Write(disk, hasSnapshot: false, new CertificateIssued(null, "00", null, "CERT 0/2 0 1 x\n", 1, 0, End));
        var world = new RegistryWorld(disk: disk);
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(RotationState.None, world.Ask<RotationStatus>(world.Actors.Hmac, new GetRotation()).State);
        Assert.Null(world.Parameters(RegistryWorld.Bits("00")).SignKey);
    }

    private static void Write(SimulatedDisk disk, bool hasSnapshot, params RegistryEvent[] events)
    {
        EventSchema schema = RegistrySchema.AddTo(new EventSchema());
        JournalEvent[] stored =
        [
            .. events.Select((happened, index) => schema.Serialize(happened) is var (name, version, payload)
                ? new JournalEvent(index + 1, name, version, payload, DateTimeOffset.UnixEpoch)
                : throw new InvalidOperationException()),
        ];
        var kit = new ActorTestKit(1, schema, disk);
        TestProbe writer = kit.CreateProbe("writer");
        kit.Journal.Append(new AppendRequest(1, "registry", stored, writer.Ref));
        writer.ExpectMsg<AppendCompleted>();
        if (!hasSnapshot)
        {
            disk.Sync();
            return;
        }

        var published = (ParametersPublished)events[^1];
        string text = $$"""
            {"Tokens":[],"Certificates":[{"Prefix":"00","Email":"r@b","Pem":"CERT 0/2 0 1 x\n","Serial":1,"SubjectSerial":0,"NotAfter":"2026-12-01T00:00:00+00:00"},
            {"Prefix":"01","Email":"a@b","Pem":"CERT 1/2 1 3 x\n","Serial":3,"SubjectSerial":1,"NotAfter":"2026-12-01T00:00:00+00:00"}],"SpentTokens":[],
            "Revoked":[{"Serial":3,"NotAfter":"2026-12-01T00:00:00+00:00"}],"LastSerial":3,"RegistryPrefix":"00","Version":"{{Convert.ToBase64String(published.Version)}}",
            "Content":{{JsonSerializer.Serialize(published.Content)}},"BabelKeys":["{{Key}}",null,null]}
            """;
        kit.Journal.SaveSnapshot(new SnapshotRequest(2, "registry", new JournalSnapshot(events.Length, "registry.snapshot", 2, Encoding.UTF8.GetBytes(text), DateTimeOffset.UnixEpoch), writer.Ref));
        writer.ExpectMsg<SnapshotSaved>();
        disk.Sync();
    }
}

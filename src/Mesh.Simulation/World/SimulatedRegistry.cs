using System.Net;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry;
using Mesh.Registry.Authority;
using Mesh.Registry.Events;
using Mesh.Registry.Parameters;
using Mesh.Registry.Rotation;
using Mesh.Security.Certificates;
using Mesh.Simulation.Ports;
using Mesh.Simulation.Ranks;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.World;

/// <summary>A registry on a simulated machine: the production actors, with the authority's key from the pool.</summary>
public sealed class SimulatedRegistry
{
    /// <summary>The token that every simulated node joins with.</summary>
    public const string Token = "simulation";

    private const int Port = 80;
    private static readonly TimeSpan SigningTime = TimeSpan.FromMilliseconds(2);   // RSA-2048 on one core, by openssl speed

    private readonly int _expectedNodes;
    private readonly SortedDictionary<string, long> _calls = new(StringComparer.Ordinal);
    private readonly SortedDictionary<long, long> _bySecond = [];
    private readonly RankReport _report;
    private NetworkVersion _published = NetworkVersion.Initial;
    private TimeSpan _publishedAt;
    private CertificateAuthority _authority;
    private RegistryActors? _actors;

    /// <summary>Makes a registry that is switched off.</summary>
    public SimulatedRegistry(Machine machine, NetworkPrefix network, RegistryOptions options, SimulatedCryptography cryptography, DateTimeOffset now, int expectedNodes)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(cryptography);
        (Machine, Options, _expectedNodes) = (machine, options, expectedNodes);
        _authority = CertificateAuthority.Create(network, cryptography.Authority, "simulation", "registry@example.net", now.AddDays(-1), now.AddDays(3650));
        _report = new RankReport(machine.Engine, machine.Lane, WriteReport, ReadReport);
    }

    /// <summary>Where it runs.</summary>
    public Machine Machine { get; }

    /// <summary>Its settings. Used from the next <see cref="Boot"/> on, which publishes what has changed.</summary>
    public RegistryOptions Options { get; set; }

    /// <summary>The version of the network's parameters that it published last.</summary>
    public NetworkVersion Published
    {
        get
        {
            Machine.Engine.Look();
            return _published;
        }
    }

    /// <summary>When it published them: time of the world.</summary>
    public TimeSpan PublishedAt
    {
        get
        {
            Machine.Engine.Look();
            return _publishedAt;
        }
    }

    /// <summary>How often each method was called, over all restarts.</summary>
    public IReadOnlyDictionary<string, long> Calls
    {
        get
        {
            Machine.Engine.Look();
            return _calls;
        }
    }

    /// <summary>How many calls there were in which second of the world's time; seconds without calls are left out. With ranks a question to the one that computes it.</summary>
    public IReadOnlyDictionary<long, long> CallsBySecond
    {
        get
        {
            Machine.Engine.Ask(
                writer => writer.List(_bySecond, second =>
                {
                    writer.Long(second.Key);
                    writer.Long(second.Value);
                }),
                reader =>
                {
                    foreach ((long second, long calls) in reader.List(() => (reader.Long(), reader.Long())))
                        _bySecond[second] = calls;
                });
            return _bySecond;
        }
    }

    /// <summary>The authority's certificate.</summary>
    public AuthorityCertificate Authority => _authority.Certificate;

    /// <summary>Its actors, as of the last start, where it is computed.</summary>
    public RegistryActors? Actors => _actors;

    /// <summary>Base URL for the nodes of a machine: of a family that it has.</summary>
    public string UrlFor(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return Machine.Addresses.FirstOrDefault(address => machine.AddressOf(address.AddressFamily) is not null) is { } reached
            ? $"http://{new IPEndPoint(reached, Port)}"
            : throw new InvalidOperationException($"{machine.Name} has no address of the registry's family");
    }

    /// <summary>Gives the authority another certificate, as <c>mesh registry renew-ca</c> does. Used from the next <see cref="Boot"/> on.</summary>
    public void RenewAuthority(DateTimeOffset notBefore, DateTimeOffset notAfter) => _authority = _authority.With(_authority.Renew(notBefore, notAfter));

    /// <summary>Sees to it that nodes can still join: the token of all may be too old by now.</summary>
    public void RenewToken() => Order(TokenOfAll());

    /// <summary>An order of the administrator; its answer is nobody's.</summary>
    public void Order(RegistryCommand command) => Machine.Act(_ => Machine.After(TimeSpan.FromMilliseconds(1), () => _actors!.Registry.Tell(command)));

    /// <summary>An order of the administrator about the routing keys; its answer is nobody's.</summary>
    public void Order(HmacCommand command) => Machine.Act(_ => Machine.After(TimeSpan.FromMilliseconds(1), () => _actors!.Hmac.Tell(command)));

    /// <summary>Switches it on.</summary>
    public void Boot(ILogSink? log) => Machine.Boot(RegistrySchema.AddTo(new EventSchema()), log, system =>
    {
        var entropy = new SeededEntropy(Machine);
        var ports = new RegistryPorts(new RsaRegistryAuthority(_authority, entropy), new SimulatedWorkPool(SigningTime)) { LocalNode = new SimulatedLocalNode(Machine) };
        RegistryActors actors = _actors = RegistryActors.Start(system, Options, ports);
        new SimulatedHttp(Machine).Serve(Port, actors.Desk, OnCall);
        system.EventStream.Subscribe<VersionPublished>(system.SystemActorOf(Props.Create(() => new Observer(this)), "observer"));
        actors.Registry.Tell(TokenOfAll());
    });

    private void OnCall(string method)
    {
        _calls[method] = _calls.GetValueOrDefault(method) + 1;
        long second = (long)Machine.WorldTime.TotalSeconds;
        _bySecond[second] = _bySecond.GetValueOrDefault(second) + 1;
        _report.Change();
    }

    private void WriteReport(RankWriter writer)
    {
        writer.Octets(_published.Blob.AsSpan());
        writer.Time(_publishedAt);
        writer.List(_calls, call =>
        {
            writer.Text(call.Key);
            writer.Long(call.Value);
        });
    }

    private void ReadReport(RankReader reader)
    {
        _published = NetworkVersion.TryParse(reader.Octets(), out NetworkVersion? version) ? version : throw reader.Wrong("a version of the parameters that is none");
        _publishedAt = reader.Time();
        foreach ((string method, long calls) in reader.List(() => (reader.Text(), reader.Long())))
            _calls[method] = calls;
    }

    private AddToken TokenOfAll() => new("", Token) { Uses = _expectedNodes, Note = "every simulated node joins with it" };

    private sealed class Observer(SimulatedRegistry registry) : Actor
    {
        protected override void Receive(object message)
        {
            if (message is not VersionPublished published)
                return;
            (registry._published, registry._publishedAt) = (published.Version, registry.Machine.WorldTime);
            registry._report.Change();
        }
    }
}

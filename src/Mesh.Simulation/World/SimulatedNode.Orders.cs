using Mesh.Actors;
using Mesh.Node;
using Mesh.Node.Parameters;
using Mesh.Node.PortMapping;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;

namespace Mesh.Simulation.World;

/// <content>What the script has the node do. With ranks each of them gives the order, and the one that computes the node carries it out.</content>
public sealed partial class SimulatedNode
{
    private readonly Dictionary<ushort, Echo> _echoes = [];   // by number, with ranks: those that another one carries out
    private readonly List<(ushort Number, TimeSpan RoundTrip)> _answers = [];   // which others do not know yet
    private ushort _lastEcho;   // after 65,536 the first again: by then the host has forgotten it, too
    private PingWatch? _pingWatch;
    private long _forgedVersions;

    /// <summary>How many forged versions of the parameters it had been told of when <see cref="CountForged"/> was called last.</summary>
    public long ForgedVersions => Seen(ref _forgedVersions);

    /// <summary>The machine's own programs ping an address.</summary>
    /// <param name="to">Of whom.</param>
    /// <param name="octets">Payload.</param>
    public Echo Ping(Ipv6Address to, int octets = Echo.DefaultOctets)
    {
        var echo = new Echo(Machine.Engine);
        ushort number = ++_lastEcho;
        if (Machine.Engine.HasRanks)
            _echoes[number] = echo;
        Machine.Act(_ => Host!.Ping(
            to,
            roundTrip =>
            {
                echo.Answer(roundTrip);
                if (!Machine.Engine.HasRanks)
                    return;
                _echoes.Remove(number);
                _answers.Add((number, roundTrip));
                _report.Change();
            },
            octets));
        return echo;
    }

    /// <summary>Takes down when an address pings the running node, until another watch begins, <see cref="EndPingWatch"/> or the node's next start.</summary>
    public PingWatch WatchPings(Ipv6Address from)
    {
        Machine.Engine.Look();   // what the watch before has seen
        var watch = _pingWatch = new PingWatch(Machine.Engine);
        Machine.Act(_ => Host!.Pinged = source =>
        {
            if (source != from)
                return;
            watch.See(Machine.WorldTime);
            _report.Change();
        });
        return watch;
    }

    /// <summary>Ends the watch.</summary>
    public void EndPingWatch()
    {
        if (Host is { } host)
            host.Pinged = null;
    }

    /// <summary>The running node tells its neighbours and peers of a version of the network's parameters, as if it had heard of it.</summary>
    public void Spread(NetworkVersion version) => Machine.Act(system =>
    {
        system.EventStream.Publish(new VersionLearned(version));
        Machine.Settle();
    });

    /// <summary>Brings <see cref="ForgedVersions"/> up to date, by a question to the running node.</summary>
    public void CountForged() => Machine.Act(_ => AskParameters(status =>
    {
        _forgedVersions = status.Forged;
        _report.Change();
    }));

    /// <summary>Asks the running node how it stands with the network's parameters, where it is computed.</summary>
    /// <param name="answered">Called with the answer, at once.</param>
    public void AskParameters(Action<ParametersStatus> answered)
    {
        ActorSystem system = Machine.System ?? throw new InvalidOperationException($"{Machine.Name} does not run");
        system.SystemActorOf(Props.Create(() => new Question(system.Find("/user/node")!, answered)));
        Machine.Settle();
    }

    /// <summary>Begins to stop the running node in order: others are to find ways around it.</summary>
    /// <param name="left">Called where it is computed, when the machine's processes may be killed.</param>
    public void Leave(Action left) => Machine.Act(system =>
    {
        system.SystemActorOf(Props.Create(() => new Farewell(system.Find("/user/node")!, MapsPorts, left)));
        Machine.Settle();
    });

    private sealed class Question(ActorRef node, Action<ParametersStatus> answered) : Actor
    {
        protected override void PreStart() => node.Tell(new GetParametersStatus(), Self);

        protected override void Receive(object message)
        {
            if (message is not ParametersStatus status)
            {
                Unhandled(message);
                return;
            }

            answered(status);
            Context.Stop(Self);
        }
    }

    private sealed class Farewell(ActorRef node, bool mapsPorts, Action left) : Actor
    {
        protected override void PreStart() => node.Tell(new LeaveNetwork(), Self);

        protected override void Receive(object message)
        {
            if (message is LeftNetwork && mapsPorts)
                node.Tell(new ReleasePortMappings(), Self);
            else if (message is LeftNetwork or PortMappingsReleased)
                left();
            else
                Unhandled(message);
        }
    }
}

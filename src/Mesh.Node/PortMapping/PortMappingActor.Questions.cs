using System.Net;
using Mesh.Actors;
using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.PortMapping;

namespace Mesh.Node.PortMapping;

/// <content>Questions to the gateway, one at a time, and what it says.</content>
public sealed partial class PortMappingActor
{
    // RFC 6887 section 8.1.1: 3 s, doubled each time, spread by a tenth. RFC 6886 section 3.1: 250 ms, doubled each time. Both go on for minutes; we go on to the next method, and come back.
    private const int PcpSends = 3, NatPmpSends = 6;
    private static readonly TimeSpan PcpFirst = TimeSpan.FromSeconds(3), NatPmpFirst = TimeSpan.FromMilliseconds(250), ReleaseFirst = TimeSpan.FromMilliseconds(500);
    // RFC 6886 section 3.7, RFC 6887 section 14.1.3: what is said to all must not be answered by all at once.
    private static readonly TimeSpan MaxAnnouncementDelay = TimeSpan.FromSeconds(5);

    private readonly Queue<Question> _questions = new();
    private Question? _asked;
    private int _sends;
    private TimeSpan _delay;
    private GatewayEpoch? _epoch;
    private IPAddress? _external;

    private PortMappingMethod Method => Data.Method ?? throw new InvalidOperationException("no method was chosen yet");

    private void Ask(Question question)
    {
        if (question == _asked || _questions.Contains(question))
            return;
        _questions.Enqueue(question);
        if (_asked is null)
            AskNext();
    }

    private void AskNext()
    {
        _asked = _questions.TryDequeue(out Question? next) ? next : null;
        (_sends, _delay) = (0, TimeSpan.Zero);
        if (_asked is null)
            return;
        if (_asked.Lease is { } lease)
            lease.WasAsked = true;
        Send();
    }

    private void GiveUpQuestions()
    {
        _questions.Clear();
        _asked = null;
        Context.Timers.Cancel(Overdue.Instance);
    }

    private void Send()
    {
        _sends++;
        if (Method == PortMappingMethod.Upnp)
        {
            _port.Run(CommandOf(_asked!), Self);
            Context.Timers.StartSingle(Overdue.Instance, Overdue.Instance, UpnpPatience);
            return;
        }

        TimeSpan first = State == PortMappingState.Releasing ? ReleaseFirst : Method == PortMappingMethod.Pcp ? PcpFirst : NatPmpFirst;
        TimeSpan doubled = _delay == TimeSpan.Zero ? first : _delay * 2;
        _delay = Method == PortMappingMethod.Pcp ? doubled * (0.9 + (0.2 * Context.Random.NextDouble())) : doubled;
        Context.Timers.StartSingle(Overdue.Instance, Overdue.Instance, _delay);
        _port.Send(Method == PortMappingMethod.Pcp ? PcpOf(_asked!) : NatPmpOf(_asked!));
    }

    private byte[] PcpOf(Question question)
    {
        Ipv6Address client = Embed(Data.Gateway!.Local);
        if (question.Lease is not { } lease)
            return new PcpRequest(PcpOpcode.Announce, TimeSpan.Zero, client, null).Encode();
        bool isEnd = question.Topic == Topic.Unmap;
        var map = new PcpMap(_known!.Nonce, lease.Port.Protocol, lease.Port.Port, isEnd ? (ushort)0 : lease.ExternalPort, Embed(isEnd ? IPAddress.Any : lease.ExternalAddress ?? IPAddress.Any));
        return new PcpRequest(PcpOpcode.Map, isEnd ? TimeSpan.Zero : _options.Lifetime, client, map).Encode();
    }

    private byte[] NatPmpOf(Question question)
    {
        if (question.Lease is not { } lease)
            return new NatPmpRequest(NatPmpOpcode.ExternalAddress, null).Encode();
        bool isEnd = question.Topic == Topic.Unmap;
        return new NatPmpRequest(OpcodeOf(lease), new NatPmpMapping(lease.Port.Port, isEnd ? (ushort)0 : lease.ExternalPort, isEnd ? TimeSpan.Zero : _options.Lifetime)).Encode();
    }

    private static NatPmpOpcode OpcodeOf(Lease lease) => lease.Port.Protocol == TransportProtocol.Tcp ? NatPmpOpcode.MapTcp : NatPmpOpcode.MapUdp;

    private static Ipv6Address Embed(IPAddress address) => Ipv6Address.TryFrom(address.MapToIPv6(), out Ipv6Address embedded) ? embedded : default;

    private FsmStep<PortMappingState, PortMappingProgress>? OnGateway(object message)
    {
        switch (message)
        {
            case GatewayDatagram datagram:
                _port.Handled();
                return OnDatagram(datagram);
            case GatewayRefused refused when State == PortMappingState.Asking && Method != PortMappingMethod.Upnp && _asked is not null:
                return MethodFailed(refused.Reason);
            case Overdue when _asked is not null:
                return OnOverdue();
            case UpnpRan ran when Method == PortMappingMethod.Upnp && _asked is { } question && ran.Command == CommandOf(question):
                return OnUpnp(question, ran.Output);
            case UpnpFailed failed when Method == PortMappingMethod.Upnp && _asked is { } question && failed.Command == CommandOf(question):
                return OnSilence(failed.Reason);
            default:
                return null;
        }
    }

    private FsmStep<PortMappingState, PortMappingProgress> OnOverdue()
    {
        int limit = Method switch { PortMappingMethod.Pcp => PcpSends, PortMappingMethod.NatPmp => NatPmpSends, _ => 1 };
        if (_sends >= limit && State != PortMappingState.Releasing)
            return OnSilence($"the gateway {Data.Gateway!.Address} does not answer");
        if (Method != PortMappingMethod.Upnp)
            Send();
        return Stay();
    }

    private FsmStep<PortMappingState, PortMappingProgress> OnSilence(string reason)
    {
        Count(PortMappingCounter.Unanswered);
        // Who does not answer the first question speaks another language. A renewal is tried again in time.
        return State == PortMappingState.Asking && !_leases.Exists(static l => l.IsHeld) ? MethodFailed(reason) : Answered();
    }

    private FsmStep<PortMappingState, PortMappingProgress> OnDatagram(GatewayDatagram datagram)
    {
        if (!datagram.From.Address.Equals(Data.Gateway!.Address) || datagram.From.Port != PcpMessage.ServerPort)
        {
            Count(PortMappingCounter.Strangers);
            return Stay();
        }

        ReadOnlySpan<byte> octets = datagram.Datagram.Span;
        if (PcpResponse.TryDecode(octets, out PcpResponse pcp))
            return Method == PortMappingMethod.Pcp ? OnPcp(pcp, datagram.IsAnnouncement) : Unexpected(datagram);
        if (NatPmpResponse.TryDecode(octets, out NatPmpResponse? natPmp))
            return OnNatPmp(natPmp, datagram);
        Count(PortMappingCounter.Malformed);
        return Stay();
    }

    // A gateway may announce itself in another language than that in which it is asked. It is asked in ours whether it has lost its state, then.
    private FsmStep<PortMappingState, PortMappingProgress> Unexpected(GatewayDatagram datagram)
    {
        if (!datagram.IsAnnouncement)
            Count(PortMappingCounter.Unexpected);
        else if (State == PortMappingState.Mapped && !Context.Timers.IsActive(CheckDue.Instance))
            Context.Timers.StartSingle(CheckDue.Instance, CheckDue.Instance, MaxAnnouncementDelay * Context.Random.NextDouble());
        return Stay();
    }

    private FsmStep<PortMappingState, PortMappingProgress> OnPcp(PcpResponse response, bool isAnnouncement)
    {
        if (isAnnouncement)
        {
            CheckEpoch(response.EpochSeconds, isAnnouncement);
            return Stay();
        }

        if (_asked is not { } question || (question.Lease is null) != (response.Opcode == PcpOpcode.Announce))
        {
            Count(PortMappingCounter.Unexpected);
            return Stay();
        }

        if (response.Map is { } map && question.Lease is { } lease)
        {
            if (map.Nonce != _known!.Nonce)
            {
                Count(PortMappingCounter.WrongNonces);
                return Stay();
            }

            if (map.Protocol != lease.Port.Protocol || map.InternalPort != lease.Port.Port)
            {
                Count(PortMappingCounter.Unexpected);
                return Stay();
            }
        }

        if (response.Result == PcpResult.UnsupportedVersion)
            return MethodFailed("it speaks another version of PCP");
        CheckEpoch(response.EpochSeconds, isAnnouncement);
        if (response.Result != PcpResult.Success)
            return OnRefused(question, $"{response.Result}", response.Result is PcpResult.NetworkFailure or PcpResult.NoResources, response.Lifetime);
        return question.Topic == Topic.Map && response.Map is { } given ? OnGranted(question.Lease!, Extract(given.ExternalAddress), given.ExternalPort, response.Lifetime) : OnDone(question);
    }

    private FsmStep<PortMappingState, PortMappingProgress> OnNatPmp(NatPmpResponse response, GatewayDatagram datagram)
    {
        if (Method == PortMappingMethod.Pcp && response.Result == NatPmpResult.UnsupportedVersion && _asked is not null)
            return MethodFailed("it speaks NAT-PMP only");
        if (Method != PortMappingMethod.NatPmp)
            return Unexpected(datagram);
        bool isForUs = !datagram.IsAnnouncement && _asked is { } question
            && (question.Lease is { } lease ? response.Opcode == OpcodeOf(lease) && (response.Map is null || response.Map.Value.InternalPort == lease.Port.Port) : response.Opcode == NatPmpOpcode.ExternalAddress);
        if (!isForUs && !(datagram.IsAnnouncement && response.Opcode == NatPmpOpcode.ExternalAddress))
            return Unexpected(datagram);
        CheckEpoch(response.EpochSeconds, datagram.IsAnnouncement);
        if (response.Address is { } address && response.Result == NatPmpResult.Success)
            _external = address;
        if (datagram.IsAnnouncement)
        {
            Publish();
            return Stay();
        }

        if (response.Result != NatPmpResult.Success)
            return OnRefused(_asked!, $"{response.Result}", response.Result is NatPmpResult.NetworkFailure or NatPmpResult.NoResources, TimeSpan.Zero);
        return _asked!.Topic == Topic.Map ? OnGranted(_asked.Lease!, null, response.Map!.Value.ExternalPort, response.Map.Value.Lifetime) : OnDone(_asked);
    }

    private static IPAddress Extract(Ipv6Address address) => address.ToIPAddress() is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : address.ToIPAddress();

    private void CheckEpoch(uint epochSeconds, bool isAnnouncement)
    {
        bool isContinued = _epoch is not { } before
            || (Method == PortMappingMethod.Pcp ? before.IsContinuedInPcp(epochSeconds, Context.Now) : before.IsContinuedInNatPmp(epochSeconds, Context.Now));
        _epoch = new GatewayEpoch(epochSeconds, Context.Now);
        if (isContinued || State != PortMappingState.Mapped)
            return;
        Count(PortMappingCounter.GatewayRestarts);
        Log.Info($"the gateway {Data.Gateway!.Address} has lost its state; the ports are mapped anew");
        if (isAnnouncement)
            Context.Timers.StartSingle(Restarted.Instance, Restarted.Instance, MaxAnnouncementDelay * Context.Random.NextDouble());
        else
            Self.Tell(Restarted.Instance);
    }

    private sealed class CheckDue
    {
        public static readonly CheckDue Instance = new();
    }

    private sealed class Overdue
    {
        public static readonly Overdue Instance = new();
    }
}

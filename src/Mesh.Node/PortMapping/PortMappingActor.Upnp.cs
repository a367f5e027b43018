using Mesh.Actors;
using Mesh.Node.Ports;
using Mesh.Protocol.PortMapping;

namespace Mesh.Node.PortMapping;

/// <content>The same by UPnP, whose devices answer whoever asks all: only what the default gateway says of itself is taken.</content>
public sealed partial class PortMappingActor
{
    private const int ConflictError = 718, PermanentOnlyError = 725;   // UPnP WANIPConnection:1, AddPortMapping
    private const int MaxConflicts = 3;
    private const int FirstFreePort = 49_152, FreePorts = 16_384;   // RFC 6335 section 6: dynamic ports

    // The port has a limit of its own, which is shorter.
    private static readonly TimeSpan UpnpPatience = TimeSpan.FromMinutes(1);

    private string _description = "";
    private bool _isPermanentOnly;

    private UpnpCommand CommandOf(Question question) => question.Topic switch
    {
        Topic.Map => new UpnpMap(
            _description, Data.Gateway!.Local, question.Lease!.Port.Protocol, question.Lease.Port.Port, question.Lease.ExternalPort, _isPermanentOnly ? TimeSpan.Zero : _options.Lifetime),
        Topic.Unmap => new UpnpUnmap(_description, question.Lease!.Port.Protocol, question.Lease.ExternalPort),
        _ => new UpnpDiscover(Data.Gateway!.Local),
    };

    private FsmStep<PortMappingState, PortMappingProgress> OnUpnp(Question question, UpnpcOutput output)
    {
        _external = output.ExternalAddress ?? _external;
        switch (question.Topic)
        {
            case Topic.Discover or Topic.Check:
                return OnDiscovered(question, output);
            case Topic.Unmap:
                return output.IsDeleted ? OnDone(question) : OnRefused(question, "it does not end the mapping", isTemporary: false, TimeSpan.Zero);
        }

        Lease lease = question.Lease!;
        if (output.Mapping is { } mapping && mapping.Protocol == lease.Port.Protocol && mapping.InternalPort == lease.Port.Port)
            return OnGranted(lease, output.ExternalAddress, mapping.ExternalPort, mapping.Lifetime == TimeSpan.Zero ? TimeSpan.MaxValue : mapping.Lifetime);
        switch (output.Error)
        {
            case ConflictError when !lease.IsHeld && lease.Conflicts < MaxConflicts:
                lease.Conflicts++;
                lease.ExternalPort = (ushort)(FirstFreePort + Context.Random.Next(FreePorts));
                return AskAgain();
            case PermanentOnlyError when !_isPermanentOnly:
                _isPermanentOnly = true;
                return AskAgain();
            default:
                return OnRefused(question, output.Error is { } error ? $"UPnP error {error}" : "it does not say why", isTemporary: false, TimeSpan.Zero);
        }
    }

    private FsmStep<PortMappingState, PortMappingProgress> AskAgain()
    {
        Send();
        return Stay();
    }

    private FsmStep<PortMappingState, PortMappingProgress> OnDiscovered(Question question, UpnpcOutput output)
    {
        string? own = output.Descriptions.FirstOrDefault(description => UpnpcOutput.HostOf(description).Equals(Data.Gateway!.Address));
        for (int foreign = output.Descriptions.Count(description => !UpnpcOutput.HostOf(description).Equals(Data.Gateway!.Address)); foreign > 0; foreign--)
            Count(PortMappingCounter.ForeignDevices);
        if (own is not null && output.HasGateway)
        {
            _description = own;
            return OnDone(question);
        }

        return State == PortMappingState.Asking ? MethodFailed("no UPnP device is this machine's gateway") : Answered();
    }
}

using System.Text;
using Mesh.Actors;
using Mesh.Node.AddressBook;
using Mesh.Node.Certificates;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.RegistryClient;

/// <summary>Finds a first peer through the registry, and tells the registry where we can be reached so that others find us. Neither while this node is out of service.</summary>
public sealed class BootstrapActor(NodeIdentity identity, ActorRef client, ActorRef addressBook) : Actor
{
    private static readonly TimeSpan Refresh = TimeSpan.FromMinutes(3);   // the registry believes an advertisement for ten
    private static readonly TimeSpan MinRetry = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MaxRetry = TimeSpan.FromMinutes(10);   // re6st's own registries refuse the call every time

    private AddressList _advertised = AddressList.Empty;
    private TimeSpan _retry = MinRetry;
    private ActorRef? _countryWantedBy;
    private bool _asking;
    private bool _mayServe = true;

    private enum Asked
    {
        Peer,
        Advertise,
        Country,
    }

    /// <inheritdoc/>
    protected override void PreStart() => Context.System.EventStream.Subscribe<CertificateStatus>(Self);

    // What was to be advertised, and whether it may be, is lost with the old instance.
    /// <inheritdoc/>
    protected override void PostRestart(Exception reason)
    {
        PreStart();
        Context.System.EventStream.Publish(new CertificateStatusWanted(Self));
        Context.System.EventStream.Publish(new AdvertisedAddressesWanted(Self));
    }

    /// <inheritdoc/>
    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    /// <inheritdoc/>
    protected override void Receive(object message)
    {
        switch (message)
        {
            case BootstrapWanted when !_asking && _mayServe:
                _asking = true;
                client.Tell(new CallRegistry(Asked.Peer, RegistryMethod.GetBootstrapPeer, []));
                break;
            case BootstrapWanted:
                break;
            case CountryWanted wanted:
                _countryWantedBy = Sender;
                client.Tell(new CallRegistry(Asked.Country, RegistryMethod.GetCountry, [("address", wanted.Address)]));
                break;
            case RegistryAnswered { Tag: Asked.Country } answered:
                OnCountry(answered.Body.Span);
                break;
            case RegistryUnreachable { Tag: Asked.Country } failed:
                Log.Info($"the registry does not say in which country this node is: {failed.Reason}");
                break;
            case AdvertisedAddressesChanged changed:
                _advertised = changed.Addresses;
                Advertise();
                break;
            case AdvertiseDue:
                Advertise();
                break;
            case CertificateStatus status when status.MayServe != _mayServe:
                _mayServe = status.MayServe;
                if (_mayServe)
                    Advertise();
                else
                    TakeBack();
                break;
            case CertificateStatus:
                break;
            case RegistryAnswered { Tag: Asked.Advertise } or RegistryUnreachable { Tag: Asked.Advertise } when !_mayServe:
                break;   // where the registry has not heard it, it forgets us by itself
            case RegistryAnswered { Tag: Asked.Peer } answered:
                _asking = false;
                OnPeer(answered.Body.Span);
                break;
            case RegistryUnreachable { Tag: Asked.Peer } failed:
                _asking = false;
                Log.Warning($"no bootstrap peer: {failed.Reason}");
                break;
            case RegistryAnswered { Tag: Asked.Advertise }:
                _retry = MinRetry;
                Context.Timers.StartSingle(AdvertiseDue.Instance, AdvertiseDue.Instance, Refresh);
                break;
            case RegistryUnreachable { Tag: Asked.Advertise } failed:
                Log.Warning($"the registry does not know where we can be reached: {failed.Reason}");
                Context.Timers.StartSingle(AdvertiseDue.Instance, AdvertiseDue.Instance, _retry);
                _retry = _retry * 2 < MaxRetry ? _retry * 2 : MaxRetry;
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Advertise()
    {
        if (_advertised.Count > 0 && _mayServe)
            client.Tell(new CallRegistry(Asked.Advertise, RegistryMethod.Advertise, [(RegistryMethod.AddressesArgument, _advertised.ToString())]));
    }

    private void TakeBack()
    {
        Context.Timers.Cancel(AdvertiseDue.Instance);
        if (_advertised.Count > 0)
            client.Tell(new CallRegistry(Asked.Advertise, RegistryMethod.Advertise, [(RegistryMethod.AddressesArgument, AddressList.Empty.ToString())]));
    }

    private void OnCountry(ReadOnlySpan<byte> body)
    {
        string country = Encoding.ASCII.GetString(body);
        if (country is [>= 'A' and <= 'Z', >= 'A' and <= 'Z'])
            _countryWantedBy!.Tell(new CountryFound(country), Self);
    }

    private void OnPeer(ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty)
        {
            Log.Info("the registry knows no other node yet");
            return;
        }

        if (identity.Key.TryDecrypt(body, out byte[]? plain) && BootstrapPeer.TryDecode(plain, out BootstrapPeer? peer))
            addressBook.Tell(new PeersSeen([new PeerAddressEntry(peer.Prefix, peer.Addresses)]));
        else
            Log.Warning("the registry's answer with a bootstrap peer cannot be read");
    }

    private sealed class AdvertiseDue
    {
        public static readonly AdvertiseDue Instance = new();
    }
}

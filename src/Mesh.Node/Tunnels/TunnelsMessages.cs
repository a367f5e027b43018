using Mesh.Actors;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tunnels;

/// <summary>We have no tunnel, or too few, and want to know somebody: the answer goes to the address book.</summary>
public sealed record BootstrapWanted;

/// <summary>In which country is this address of ours? Answer: <see cref="CountryFound"/>, or nothing where the registry does not know.</summary>
public sealed record CountryWanted(string Address);

/// <summary>We are in this country.</summary>
/// <param name="Country">Code of two letters.</param>
public sealed record CountryFound(string Country);

/// <summary>Published by an actor that has to know the addresses at which others can reach us and was restarted.</summary>
/// <param name="By">Gets an <see cref="AdvertisedAddressesChanged"/>.</param>
public sealed record AdvertisedAddressesWanted(ActorRef By);

/// <summary>The addresses at which others can reach us have changed.</summary>
public sealed record AdvertisedAddressesChanged(AddressList Addresses);

/// <summary>A port of the machine cannot be had. The message is a sentence for the operator.</summary>
public sealed class PortUnavailableException(string message) : Exception(message);

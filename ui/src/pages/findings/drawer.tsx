// One finding, in the reading order of every page: what is wrong, why it matters here, who owns it, the next safe
// action, the evidence.

import { useQuery } from "@tanstack/react-query";
import { findingQuery } from "../../api/queries";
import { Drawer } from "../../parts/drawer";
import { Failure, Loading } from "../../parts/states";
import { FindingBody } from "./detail";

interface Props {
  fingerprint: string;
  modal: boolean;
  position: { index: number; loaded: number } | null;
  onStep: (by: number) => void;
  onClose: () => void;
}

export function FindingDrawer({ fingerprint, ...frame }: Props) {
  const finding = useQuery(findingQuery(fingerprint));
  return (
    <Drawer what="finding" id={fingerprint} {...frame}>
      {finding.isPending ? (
        <Loading rows={10} label="Loading the finding" />
      ) : finding.isLoadingError ? (
        <Failure error={finding.error} retry={() => finding.refetch()} what="this finding" />
      ) : (
        <FindingBody finding={finding.data} />
      )}
    </Drawer>
  );
}

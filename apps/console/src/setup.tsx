import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';
import { newQueryClient, QueryClientProvider } from './broker/session';
import { SetupPage } from './setup/SetupPage';

const root = document.getElementById('root');
if (!root) throw new Error('the page has no root');

createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={newQueryClient()}>
      <BrowserRouter basename="/setup">
        <SetupPage />
      </BrowserRouter>
    </QueryClientProvider>
  </StrictMode>,
);
